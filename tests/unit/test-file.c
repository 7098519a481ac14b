// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Bytes at rest: files, sealed memfds, secrets.
 */
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/crash.h"
#include "util/file.h"
#include "util/memfd.h"
#include "util/secret.h"

typedef struct {
  char *folder;
  char *path;        /* FOLDER/secret */
  char *temporary;   /* what a crash would leave of a write of PATH */
  guint descriptors; /* how many were open before the test */
} Fixture;

static guint
count_descriptors (void)
{
  g_autoptr (GDir) folder = g_dir_open ("/proc/self/fd", 0, NULL);
  guint count = 0;

  while (g_dir_read_name (folder) != NULL)
    count++;
  return count;
}

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  fixture->descriptors = count_descriptors ();
  fixture->folder = g_dir_make_tmp ("herd-file-XXXXXX", NULL);
  fixture->path = g_build_filename (fixture->folder, "secret", NULL);
  fixture->temporary = g_build_filename (fixture->folder, ".secret.new", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GDir) folder = NULL;
  const char *name;

  g_assert_cmpuint (count_descriptors (), ==, fixture->descriptors);
  folder = g_dir_open (fixture->folder, 0, NULL);
  while ((name = g_dir_read_name (folder)) != NULL) {
    g_autofree char *path = g_build_filename (fixture->folder, name, NULL);

    g_assert_cmpint (g_remove (path), ==, 0);
  }
  g_assert_cmpint (g_rmdir (fixture->folder), ==, 0);
  g_free (fixture->folder);
  g_free (fixture->path);
  g_free (fixture->temporary);
}

static GBytes *
bytes_of (const char *text)
{
  return g_bytes_new (text, strlen (text));
}

static void
assert_content (const char *path, const char *content)
{
  g_autofree char *text = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, content);
}

static void
write_text (Fixture *fixture, const char *text, int mode)
{
  g_autoptr (GBytes) bytes = bytes_of (text);
  g_autoptr (GError) error = NULL;
  gboolean written = herd_file_write (fixture->path, bytes, mode, &error);

  g_assert_no_error (error);
  g_assert_true (written);
  assert_content (fixture->path, text);
  g_assert_false (g_file_test (fixture->temporary, G_FILE_TEST_EXISTS));
}

static void
write_replaces (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GBytes) read = NULL;
  struct stat before, after, old;
  mode_t mask = umask (0077);
  int fd;

  write_text (fixture, "one", 0600);
  g_assert_cmpint (stat (fixture->path, &before), ==, 0);
  g_assert_cmpuint (before.st_mode & 07777, ==, 0600);
  fd = open (fixture->path, O_RDONLY | O_CLOEXEC);
  write_text (fixture, "two, longer", 0644);
  umask (mask);
  g_assert_cmpint (stat (fixture->path, &after), ==, 0);
  g_assert_cmpuint (after.st_mode & 07777, ==, 0644);
  g_assert_cmpuint (after.st_ino, !=, before.st_ino);
  /* Who has the old file open still reads the old one whole. */
  g_assert_cmpint (fstat (fd, &old), ==, 0);
  g_assert_cmpint (old.st_size, ==, 3);
  close (fd);
  write_text (fixture, "", 0600);
  read = herd_file_read (fixture->path, 0, NULL);
  g_assert_cmpuint (g_bytes_get_size (read), ==, 0);
}

static void
write_does_not_follow (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *victim = g_build_filename (fixture->folder, "victim", NULL);

  g_assert_true (g_file_set_contents (victim, "precious", -1, NULL));
  g_assert_cmpint (symlink (victim, fixture->temporary), ==, 0);
  write_text (fixture, "mine", 0600);
  assert_content (victim, "precious");
  g_assert_false (g_file_test (fixture->path, G_FILE_TEST_IS_SYMLINK));
  /* A leftover of a crash does not stand in the way either. */
  g_assert_true (g_file_set_contents (fixture->temporary, "half of a ke", -1, NULL));
  write_text (fixture, "again", 0600);
}

static void
assert_write_fails (Fixture *fixture, const char *path, int code)
{
  g_autoptr (GBytes) bytes = bytes_of ("new");
  g_autoptr (GError) error = NULL;

  g_assert_false (herd_file_write (path, bytes, 0600, &error));
  g_assert_error (error, G_IO_ERROR, code);
  g_assert_nonnull (strstr (error->message, path));
  g_assert_false (g_file_test (fixture->temporary, G_FILE_TEST_EXISTS));
}

static void
write_fails (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *nowhere = g_build_filename (fixture->folder, "nowhere", "secret", NULL);
  g_autofree char *below = g_build_filename (fixture->path, "below", NULL);

  assert_write_fails (fixture, nowhere, G_IO_ERROR_NOT_FOUND);
  /* What cannot be replaced stays, and nothing is left beside it. */
  g_assert_cmpint (g_mkdir (fixture->path, 0700), ==, 0);
  assert_write_fails (fixture, fixture->path, G_IO_ERROR_IS_DIRECTORY);
  g_assert_cmpint (g_rmdir (fixture->path), ==, 0);
  write_text (fixture, "old", 0600);
  assert_write_fails (fixture, below, G_IO_ERROR_NOT_DIRECTORY);
  g_assert_cmpint (g_mkdir (fixture->temporary, 0700), ==, 0);
  {
    g_autoptr (GBytes) bytes = bytes_of ("new");

    g_assert_false (herd_file_write (fixture->path, bytes, 0600, NULL));
  }
  assert_content (fixture->path, "old");
  g_assert_cmpint (g_rmdir (fixture->temporary), ==, 0);
}

/* The nearest thing to a full disk that needs no mount: the process may write no larger files. */
static void
begin_full_disk (struct rlimit *before)
{
  struct rlimit tight;

  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, before), ==, 0);
  tight = (struct rlimit){ 4096, before->rlim_max };
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &tight), ==, 0);
}

static void
write_to_full_disk (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *large = g_strnfill (8192, 'x');
  g_autoptr (GBytes) bytes = bytes_of (large);
  g_autoptr (GError) error = NULL;
  struct rlimit before;
  gboolean written;

  write_text (fixture, "old", 0600);
  begin_full_disk (&before);
  written = herd_file_write (fixture->path, bytes, 0600, &error);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
  g_assert_false (written);
  g_assert_nonnull (strstr (error->message, fixture->path));
  assert_content (fixture->path, "old");
  g_assert_false (g_file_test (fixture->temporary, G_FILE_TEST_EXISTS));
}

static void
memfd_fails (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *large = g_strnfill (8192, 'x');
  g_autoptr (GBytes) bytes = bytes_of (large);
  g_autoptr (GError) error = NULL;
  struct rlimit before;
  int fd;

  begin_full_disk (&before);
  fd = herd_memfd_new ("large", bytes, &error);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
  g_assert_cmpint (fd, ==, -1);
  g_assert_nonnull (error);
  g_assert_true (error->domain == G_IO_ERROR);
  g_assert_nonnull (strstr (error->message, "large"));
}

static void
assert_read_fails (const char *path, gsize limit, int code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (herd_file_read (path, limit, &error));
  g_assert_error (error, G_IO_ERROR, code);
  g_assert_nonnull (strstr (error->message, path));
}

static void
read_limits (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *link = g_build_filename (fixture->folder, "link", NULL);
  g_autofree char *fifo = g_build_filename (fixture->folder, "fifo", NULL);
  g_autoptr (GBytes) whole = NULL;
  g_autoptr (GBytes) linked = NULL;

  assert_read_fails (fixture->path, 10, G_IO_ERROR_NOT_FOUND);
  write_text (fixture, "0123456789", 0600);
  whole = herd_file_read (fixture->path, 10, NULL);
  g_assert_cmpmem (g_bytes_get_data (whole, NULL), g_bytes_get_size (whole), "0123456789", 10);
  assert_read_fails (fixture->path, 9, G_IO_ERROR_INVALID_DATA);
  g_assert_cmpint (symlink ("secret", link), ==, 0);
  linked = herd_file_read (link, 10, NULL);
  g_assert_true (g_bytes_equal (linked, whole));
  assert_read_fails (fixture->folder, 10, G_IO_ERROR_NOT_REGULAR_FILE);
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  assert_read_fails (fifo, 10, G_IO_ERROR_NOT_REGULAR_FILE);
  assert_read_fails ("/dev/zero", 10, G_IO_ERROR_NOT_REGULAR_FILE);
}

static void
memfd_is_sealed (Fixture *fixture, gconstpointer unused)
{
  g_autoptr (GBytes) bytes = bytes_of ("a key");
  g_autoptr (GBytes) read_back = NULL;
  g_autoptr (GError) error = NULL;
  int fd = herd_memfd_new ("key", bytes, &error);
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
  struct stat status;
  char first;
  int writable;

  g_assert_no_error (error);
  g_assert_cmpint (fcntl (fd, F_GET_SEALS), ==,
                   F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
  g_assert_cmpint (fcntl (fd, F_GETFL) & O_ACCMODE, ==, O_RDONLY);
  g_assert_cmpint (fcntl (fd, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
  g_assert_cmpint (lseek (fd, 0, SEEK_CUR), ==, 0);
  g_assert_cmpint (fstat (fd, &status), ==, 0);
  g_assert_cmpuint (status.st_mode & 07777, ==, 0400);
  /* Root may open it for writing, and gets nowhere. */
  writable = open (path, O_RDWR | O_CLOEXEC);
  if (writable >= 0) {
    g_assert_cmpint (write (writable, "x", 1), ==, -1);
    g_assert_cmpint (ftruncate (writable, 1), ==, -1);
    g_assert_true (mmap (NULL, 5, PROT_WRITE, MAP_SHARED, writable, 0) == MAP_FAILED);
    close (writable);
  }
  g_assert_cmpint (read (fd, &first, 1), ==, 1);
  read_back = herd_memfd_read (fd, 5, &error);
  g_assert_no_error (error);
  g_assert_true (g_bytes_equal (read_back, bytes));
  g_assert_null (herd_memfd_read (fd, 4, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
  g_assert_cmpint (close (fd), ==, 0);
}

static void
memfd_may_be_empty (void)
{
  g_autoptr (GBytes) empty = g_bytes_new (NULL, 0);
  g_autoptr (GBytes) read_back = NULL;
  int fd = herd_memfd_new ("empty", empty, NULL);

  g_assert_cmpint (fd, >=, 0);
  read_back = herd_memfd_read (fd, 0, NULL);
  g_assert_nonnull (read_back);
  g_assert_cmpuint (g_bytes_get_size (read_back), ==, 0);
  close (fd);
}

static void
assert_memfd_refused (int fd)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (herd_memfd_read (fd, 100, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);
}

static void
memfd_refuses_others (Fixture *fixture, gconstpointer unused)
{
  static const int seals[] = { F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_WRITE };
  int fd = memfd_create ("plain", MFD_CLOEXEC);

  assert_memfd_refused (fd);
  close (fd);
  for (guint missing = 0; missing < G_N_ELEMENTS (seals); missing++) {
    fd = memfd_create ("partly", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    g_assert_cmpint (write (fd, "x", 1), ==, 1);
    for (guint i = G_N_ELEMENTS (seals); i > 0; i--) {
      if (i - 1 != missing)
        g_assert_cmpint (fcntl (fd, F_ADD_SEALS, seals[i - 1]), ==, 0);
    }
    assert_memfd_refused (fd);
    close (fd);
  }
  write_text (fixture, "x", 0600);
  fd = open (fixture->path, O_RDONLY | O_CLOEXEC);
  assert_memfd_refused (fd);
  close (fd);
  assert_memfd_refused (fd);
}

static void
secret_is_wiped (void)
{
  guint8 *data = g_malloc (64);
  guint8 buffer[64];
  GBytes *part, *secret;

  memset (buffer, 'k', sizeof buffer);
  herd_secret_wipe (buffer, sizeof buffer - 1);
  for (guint i = 0; i < sizeof buffer - 1; i++)
    g_assert_cmpuint (buffer[i], ==, 0);
  g_assert_cmpuint (buffer[63], ==, 'k');
  memset (data, 'k', 64);
  secret = herd_secret_new_take (data, 64);
  part = g_bytes_new_from_bytes (secret, 8, 8);
  g_bytes_unref (secret);
  /* Still held by a part of it. */
  g_assert_cmpmem (g_bytes_get_data (part, NULL), g_bytes_get_size (part), "kkkkkkkk", 8);
  g_bytes_unref (part);
  herd_secret_wipe (NULL, 0);
  herd_secret_free (NULL);
  herd_secret_free (g_strdup ("password"));
}

static void
secret_is_compared (void)
{
  g_autoptr (GBytes) a = herd_secret_new ("same", 4);
  g_autoptr (GBytes) b = herd_secret_new ("same", 4);
  g_autoptr (GBytes) c = herd_secret_new ("sane", 4);
  g_autoptr (GBytes) d = herd_secret_new ("same ", 5);
  g_autoptr (GBytes) empty = herd_secret_new (NULL, 0);
  g_autoptr (GBytes) nothing = herd_secret_new ("", 0);

  g_assert_true (herd_secret_equal (a, b));
  g_assert_false (herd_secret_equal (a, c));
  g_assert_false (herd_secret_equal (a, d));
  g_assert_true (herd_secret_equal (empty, nothing));
}

static void
note_point (const char *point, gpointer data)
{
  g_string_append (data, point);
}

static void
crash_point_is_named (void)
{
  g_autoptr (GString) points = g_string_new (NULL);
  const HerdCrash crash = { note_point, points };

  herd_crash_point (NULL, "state:%d", 1);
  herd_crash_point (&crash, "state:%d", 2);
  g_assert_cmpstr (points->str, ==, "state:2");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/file/write/replaces", Fixture, NULL, set_up, write_replaces, tear_down);
  g_test_add ("/file/write/does-not-follow", Fixture, NULL, set_up, write_does_not_follow,
              tear_down);
  g_test_add ("/file/write/fails", Fixture, NULL, set_up, write_fails, tear_down);
  g_test_add ("/file/write/full-disk", Fixture, NULL, set_up, write_to_full_disk, tear_down);
  g_test_add ("/file/read/limits", Fixture, NULL, set_up, read_limits, tear_down);
  g_test_add ("/memfd/is-sealed", Fixture, NULL, set_up, memfd_is_sealed, tear_down);
  g_test_add_func ("/memfd/may-be-empty", memfd_may_be_empty);
  g_test_add ("/memfd/fails", Fixture, NULL, set_up, memfd_fails, tear_down);
  g_test_add ("/memfd/refuses-others", Fixture, NULL, set_up, memfd_refuses_others, tear_down);
  g_test_add_func ("/secret/is-wiped", secret_is_wiped);
  g_test_add_func ("/secret/is-compared", secret_is_compared);
  g_test_add_func ("/crash/point", crash_point_is_named);
  return g_test_run ();
}
