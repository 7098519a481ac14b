// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The key-encryption key from a file and from a systemd credential; the Secret Service has an
 * integration test of its own.
 */
#include "state/kek.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/seal.h"
#include "plugin/error.h"
#include "state-fixture.h"
#include "util/secret.h"

typedef struct {
  char *directory;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->directory = g_dir_make_tmp ("certherd-kek-XXXXXX", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_unsetenv ("CREDENTIALS_DIRECTORY");
  remove_tree (fixture->directory);
  g_free (fixture->directory);
}

static void
keep_result (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static GBytes *
load (Fixture *fixture, HerdKeystore keystore, gboolean create, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  herd_kek_load_async (keystore, fixture->directory, create, NULL, keep_result, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return herd_kek_load_finish (result, error);
}

static char *
write_key (Fixture *fixture, const char *name, gsize size, int mode)
{
  g_autofree char *path = g_build_filename (fixture->directory, name, NULL);
  g_autofree char *text = g_strnfill (size, 'k');

  g_assert_true (g_file_set_contents (path, text, (gssize) size, NULL));
  g_assert_cmpint (chmod (path, (mode_t) mode), ==, 0);
  return g_steal_pointer (&path);
}

static void
test_names (void)
{
  static const struct {
    const char *name;
    const char *at_rest;
  } good[] = { { "credential", "credential" },
               { "secret-service", "secret-service" },
               { "file", "none" } };
  static const char *const bad[] = { "", "File", "tpm", "file ", "\x1b[31m" };
  HerdKeystore keystore = HERD_KEYSTORE_FILE;

  for (guint i = 0; i < G_N_ELEMENTS (good); i++) {
    g_assert_true (herd_keystore_parse (good[i].name, &keystore, NULL));
    g_assert_cmpstr (herd_keystore_get_at_rest (keystore), ==, good[i].at_rest);
  }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_false (herd_keystore_parse (bad[i], &keystore, &error));
    assert_words (error, HERD_ERROR_INVALID_ARGUMENT, "secret-service");
    g_assert_null (strchr (error->message, '\x1b'));
  }
  g_assert_cmpint (keystore, ==, HERD_KEYSTORE_FILE);
}

static void
test_file (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->directory, "kek", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) made = NULL;
  g_autoptr (GBytes) again = NULL;
  g_autoptr (GBytes) later = NULL;
  struct stat status;

  g_assert_null (load (fixture, HERD_KEYSTORE_FILE, FALSE, &error));
  assert_words (error, HERD_ERROR_NOT_FOUND, path);
  g_clear_error (&error);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));

  made = load (fixture, HERD_KEYSTORE_FILE, TRUE, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_bytes_get_size (made), ==, HERD_KEK_SIZE);
  g_assert_cmpint (stat (path, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 07777, ==, 0600);
  again = load (fixture, HERD_KEYSTORE_FILE, TRUE, &error);
  g_assert_true (herd_secret_equal (made, again));
  later = load (fixture, HERD_KEYSTORE_FILE, FALSE, &error);
  g_assert_true (herd_secret_equal (made, later));
}

/* Whatever is wrong with what is there, it is never answered with a new key. */
static void
test_bad_file (Fixture *fixture, gconstpointer data)
{
  static const struct {
    gsize size;
    int mode;
    const char *words;
  } bad[] = { { 0, 0600, "0 bytes" },         { 31, 0600, "31 bytes" },
              { 33, 0600, "33 bytes" },       { 32, 0640, "read by others" },
              { 32, 0604, "read by others" }, { 32, 0602, "read by others" } };
  g_autofree char *path = g_build_filename (fixture->directory, "kek", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (bad) * 2; i++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *written = write_key (fixture, "kek", bad[i / 2].size, bad[i / 2].mode);
    g_autofree char *text = NULL;
    gsize size;

    g_assert_null (load (fixture, HERD_KEYSTORE_FILE, i % 2 == 0, &error));
    assert_words (error, HERD_ERROR_REFUSED, bad[i / 2].words);
    g_assert_true (g_file_get_contents (written, &text, &size, NULL));
    g_assert_cmpuint (size, ==, bad[i / 2].size);
  }
  g_assert_cmpint (g_remove (path), ==, 0);
  g_assert_cmpint (symlink ("/nowhere", path), ==, 0);
  for (guint i = 0; i < 2; i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (load (fixture, HERD_KEYSTORE_FILE, i == 0, &error));
    assert_words (error, HERD_ERROR_UNREACHABLE, path);
  }
  g_assert_cmpint (g_remove (path), ==, 0);
  g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
  for (guint i = 0; i < 2; i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (load (fixture, HERD_KEYSTORE_FILE, i == 0, &error));
    assert_words (error, HERD_ERROR_UNREACHABLE, path);
  }
}

static void
test_unwritable (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) kek = NULL;
  uid_t uid = geteuid ();

  g_assert_cmpint (chmod (fixture->directory, 0555), ==, 0);
  if (uid == 0)
    g_assert_cmpint (seteuid (65534), ==, 0);
  kek = load (fixture, HERD_KEYSTORE_FILE, TRUE, &error);
  if (uid == 0)
    g_assert_cmpint (seteuid (0), ==, 0);
  g_assert_null (kek);
  assert_words (error, HERD_ERROR_FAILED, fixture->directory);
  g_assert_cmpint (chmod (fixture->directory, 0755), ==, 0);
}

static void
test_credential (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = NULL;

  /* No credentials, relative nonsense, no such credential, with and without the wish for a new one. */
  for (guint i = 0; i < 6; i++) {
    g_autoptr (GError) error = NULL;

    if (i >= 4)
      g_setenv ("CREDENTIALS_DIRECTORY", fixture->directory, TRUE);
    else if (i >= 2)
      g_setenv ("CREDENTIALS_DIRECTORY", "somewhere", TRUE);
    g_assert_null (load (fixture, HERD_KEYSTORE_CREDENTIAL, i % 2 == 0, &error));
    assert_words (error, HERD_ERROR_UNREACHABLE, "certherd.kek");
  }
  path = g_build_filename (fixture->directory, "certherd.kek", NULL);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));

  for (guint i = 0; i < 2; i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) kek = NULL;

    g_free (write_key (fixture, "certherd.kek", 32, i == 0 ? 0400 : 0440));
    kek = load (fixture, HERD_KEYSTORE_CREDENTIAL, FALSE, &error);
    g_assert_no_error (error);
    assert_bytes (kek, "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk");
  }
  for (guint i = 0; i < 2; i++) {
    g_autoptr (GError) error = NULL;

    g_free (write_key (fixture, "certherd.kek", i == 0 ? 32 : 5000, i == 0 ? 0444 : 0400));
    g_assert_null (load (fixture, HERD_KEYSTORE_CREDENTIAL, TRUE, &error));
    assert_words (error, i == 0 ? HERD_ERROR_REFUSED : HERD_ERROR_UNREACHABLE, path);
  }
}

static void
test_cancelled (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  herd_kek_load_async (HERD_KEYSTORE_SECRET_SERVICE, fixture->directory, TRUE, cancellable,
                       keep_result, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (herd_kek_load_finish (result, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_CANCELLED);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/kek/" name, Fixture, NULL, set_up, func, tear_down)
  g_test_add_func ("/kek/names", test_names);
  ADD ("file", test_file);
  ADD ("file/bad", test_bad_file);
  ADD ("file/unwritable", test_unwritable);
  ADD ("credential", test_credential);
  ADD ("cancelled", test_cancelled);
  return g_test_run ();
}
