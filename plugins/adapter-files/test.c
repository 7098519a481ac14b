// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * adapter-files in a temporary directory: both layouts and the target live, rights, what is in the way,
 * attacks by symbolic links, restore and withdraw.
 */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/adapter.h"
#include "plugin/error.h"
#include "plugin/plugin.h"

extern const HerdPlugin herd_plugin;

#define LEAF "-----BEGIN CERTIFICATE-----\nbGVhZg==\n-----END CERTIFICATE-----\n"
#define CA "-----BEGIN CERTIFICATE-----\nY2E=\n-----END CERTIFICATE-----\n"

typedef struct {
  char *root;
  GHashTable *settings;
} Fixture;

static void
setup (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->root = g_dir_make_tmp ("certherd-files-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->settings = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) directory = NULL;
  const char *name;

  if (!g_file_test (path, G_FILE_TEST_IS_SYMLINK))
    directory = g_dir_open (path, 0, NULL);
  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL) {
    g_autofree char *child = g_build_filename (path, name, NULL);

    remove_tree (child);
  }
  g_assert_cmpint (g_remove (path), ==, 0);
}

static void
teardown (Fixture *fixture, gconstpointer data)
{
  remove_tree (fixture->root);
  g_free (fixture->root);
  g_hash_table_unref (fixture->settings);
}

static void
set (Fixture *fixture, const char *key, const char *value)
{
  g_hash_table_insert (fixture->settings, g_strdup (key), g_strdup (value));
}

static char *
at (Fixture *fixture, const char *name)
{
  return g_build_filename (fixture->root, name, NULL);
}

static HerdAdapter *
make (Fixture *fixture, const char *target, GError **error)
{
  g_autoptr (HerdAdapter) adapter = g_object_new (herd_plugin.get_type (), "target", target,
                                                  "settings", fixture->settings, NULL);

  return herd_adapter_check (adapter, error) ? g_steal_pointer (&adapter) : NULL;
}

static HerdAdapter *
make_valid (Fixture *fixture, const char *target)
{
  g_autoptr (GError) error = NULL;
  HerdAdapter *adapter = make (fixture, target, &error);

  g_assert_no_error (error);
  return adapter;
}

static HerdBundle *
make_bundle (const char *name, guint64 generation)
{
  g_autofree char *key_text = g_strdup_printf ("-----BEGIN PRIVATE KEY-----\n%s %" G_GUINT64_FORMAT
                                               "\n-----END PRIVATE KEY-----\n",
                                               name, generation);
  g_autoptr (GBytes) key = g_bytes_new (key_text, strlen (key_text));
  g_autoptr (GBytes) chain = g_bytes_new_static (LEAF CA, strlen (LEAF CA));

  return herd_bundle_new (name, generation, chain, key, herd_facts_new ());
}

static gboolean
try_install (HerdAdapter *adapter, const char *name, guint64 generation, GError **error)
{
  g_autoptr (GPtrArray)
      bundles = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_bundle_unref);

  g_ptr_array_add (bundles, make_bundle (name, generation));
  return herd_adapter_install (adapter, bundles, error);
}

static void
install (HerdAdapter *adapter, const char *name, guint64 generation)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = try_install (adapter, name, generation, &error);

  g_assert_no_error (error);
  g_assert_true (ok);
}

static void
withdraw (HerdAdapter *adapter, const char *name)
{
  const char *const names[] = { name, NULL };
  g_autoptr (GError) error = NULL;
  gboolean ok = herd_adapter_withdraw (adapter, names, &error);

  g_assert_no_error (error);
  g_assert_true (ok);
}

static char *
read_text (Fixture *fixture, const char *name)
{
  g_autofree char *path = at (fixture, name);
  char *text = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

static void
assert_key_of (Fixture *fixture, const char *file, const char *words)
{
  g_autofree char *text = read_text (fixture, file);

  g_assert_nonnull (strstr (text, words));
}

static gboolean
exists (Fixture *fixture, const char *name)
{
  g_autofree char *path = at (fixture, name);
  struct stat status;

  return lstat (path, &status) == 0;
}

static struct stat
look (Fixture *fixture, const char *name)
{
  g_autofree char *path = at (fixture, name);
  struct stat status;

  g_assert_cmpint (stat (path, &status), ==, 0);
  return status;
}

static void
put (Fixture *fixture, const char *name, const char *text)
{
  g_autofree char *path = at (fixture, name);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
}

static guint
count_entries (Fixture *fixture, const char *name)
{
  g_autofree char *path = at (fixture, name);
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  guint count = 0;

  g_assert_nonnull (directory);
  while (g_dir_read_name (directory) != NULL)
    count++;
  return count;
}

static void
test_live (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HerdAdapter) adapter = NULL;
  g_autofree char *link = at (fixture, "live/www");
  g_autofree char *value = NULL;
  g_autofree char *leaf = NULL, *chain = NULL, *full = NULL, *key = NULL, *combined = NULL;
  g_autofree char *expected = NULL;
  mode_t mask = umask (0077);

  set (fixture, "state-directory", fixture->root);
  adapter = make_valid (fixture, "live");
  install (adapter, "www", 1);
  umask (mask);
  value = g_file_read_link (link, NULL);
  g_assert_cmpstr (value, ==, "../archive/www/1");
  leaf = read_text (fixture, "live/www/cert.pem");
  chain = read_text (fixture, "live/www/chain.pem");
  full = read_text (fixture, "live/www/fullchain.pem");
  key = read_text (fixture, "live/www/privkey.pem");
  combined = read_text (fixture, "live/www/combined.pem");
  expected = g_strconcat (key, full, NULL);
  g_assert_cmpstr (leaf, ==, LEAF);
  g_assert_cmpstr (chain, ==, CA);
  g_assert_cmpstr (full, ==, LEAF CA);
  g_assert_cmpstr (combined, ==, expected);
  /* Whatever the umask was. */
  g_assert_cmpuint (look (fixture, "live").st_mode & 07777, ==, 0755);
  g_assert_cmpuint (look (fixture, "archive").st_mode & 07777, ==, 0755);
  g_assert_cmpuint (look (fixture, "archive/www/1").st_mode & 07777, ==, 0755);
  g_assert_cmpuint (look (fixture, "live/www/cert.pem").st_mode & 07777, ==, 0644);
  g_assert_cmpuint (look (fixture, "live/www/privkey.pem").st_mode & 07777, ==, 0600);
  g_assert_cmpuint (look (fixture, "live/www/combined.pem").st_mode & 07777, ==, 0600);
}

static void
test_kept (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HerdAdapter) adapter = NULL;
  struct stat before, after;

  set (fixture, "state-directory", fixture->root);
  adapter = make_valid (fixture, "live");
  for (guint64 i = 1; i <= 5; i++)
    install (adapter, "www", i);
  g_assert_cmpuint (count_entries (fixture, "archive/www"), ==, 3);
  assert_key_of (fixture, "live/www/privkey.pem", "www 5\n");
  /* Twice is as good as once, and rewrites nothing. */
  before = look (fixture, "live/www/privkey.pem");
  install (adapter, "www", 5);
  after = look (fixture, "live/www/privkey.pem");
  g_assert_cmpuint (before.st_ino, ==, after.st_ino);
  /* Back, and the newer ones stay. */
  install (adapter, "www", 3);
  assert_key_of (fixture, "live/www/privkey.pem", "www 3\n");
  g_assert_cmpuint (count_entries (fixture, "archive/www"), ==, 3);
  /* One that is gone is written again, and is not pruned while it is in use. */
  install (adapter, "www", 1);
  assert_key_of (fixture, "live/www/privkey.pem", "www 1\n");
  g_assert_cmpuint (count_entries (fixture, "archive/www"), ==, 4);
  g_assert_cmpuint (count_entries (fixture, "live"), ==, 1);
}

static void
test_name (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HerdAdapter) adapter = NULL;
  g_autofree char *link = at (fixture, "www");
  g_autofree char *value = NULL;

  set (fixture, "path", fixture->root);
  adapter = make_valid (fixture, "web");
  install (adapter, "www", 7);
  install (adapter, "www.1", 2);
  value = g_file_read_link (link, NULL);
  g_assert_cmpstr (value, ==, ".www.7");
  assert_key_of (fixture, "www/combined.pem", "www 7\n");
  /* Names that begin alike are not confused. */
  withdraw (adapter, "www");
  g_assert_false (exists (fixture, "www"));
  g_assert_false (exists (fixture, ".www.7"));
  assert_key_of (fixture, "www.1/combined.pem", "www.1 2\n");
  withdraw (adapter, "www.1");
  g_assert_cmpuint (count_entries (fixture, "."), ==, 0);
  withdraw (adapter, "www.1");
}

/* A crash, or somebody, left something else where a generation is to be. */
static void
test_leftovers (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HerdAdapter) adapter = NULL;
  g_autofree char *unfinished = at (fixture, ".www.1.new");

  set (fixture, "path", fixture->root);
  adapter = make_valid (fixture, "web");
  g_assert_cmpint (g_mkdir (unfinished, 0700), ==, 0);
  put (fixture, ".www.1.new/privkey.pem", "half");
  install (adapter, "www", 1);
  assert_key_of (fixture, "www/privkey.pem", "www 1\n");
  g_assert_false (exists (fixture, ".www.1.new"));
  put (fixture, ".www.1/privkey.pem", "another");
  install (adapter, "www", 1);
  assert_key_of (fixture, "www/privkey.pem", "www 1\n");
  g_assert_cmpuint (count_entries (fixture, "."), ==, 2);
}

static void
test_rights (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HerdAdapter) adapter = NULL;
  struct stat status;

  if (geteuid () != 0) {
    set (fixture, "owner", "0");
    set (fixture, "path", fixture->root);
    adapter = make_valid (fixture, "web");
    g_assert_false (try_install (adapter, "www", 1, NULL));
    g_assert_false (exists (fixture, "www"));
    return;
  }
  set (fixture, "path", fixture->root);
  set (fixture, "owner", "nobody");
  set (fixture, "group", "12345");
  set (fixture, "mode", "0640");
  adapter = make_valid (fixture, "web");
  install (adapter, "www", 1);
  status = look (fixture, "www/privkey.pem");
  g_assert_cmpuint (status.st_uid, ==, 65534);
  g_assert_cmpuint (status.st_gid, ==, 12345);
  g_assert_cmpuint (status.st_mode & 07777, ==, 0640);
  status = look (fixture, "www/fullchain.pem");
  g_assert_cmpuint (status.st_uid, ==, 65534);
  g_assert_cmpuint (status.st_mode & 07777, ==, 0644);
  /* The directories stay ours, so that the owner cannot put anything there. */
  g_assert_cmpuint (look (fixture, "www").st_uid, ==, 0);
  /* Other rights: the same generation is written anew. */
  g_clear_object (&adapter);
  set (fixture, "mode", "0600");
  adapter = make_valid (fixture, "web");
  install (adapter, "www", 1);
  g_assert_cmpuint (look (fixture, "www/privkey.pem").st_mode & 07777, ==, 0600);
}

static void
assert_foreign (HerdAdapter *adapter, const char *name, const char *named)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (try_install (adapter, name, 1, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_EXISTS);
  g_assert_nonnull (strstr (error->message, named));
}

static void
test_foreign (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HerdAdapter) adapter = NULL;
  g_autofree char *directory = at (fixture, "b");
  g_autofree char *link = at (fixture, "c");

  set (fixture, "path", fixture->root);
  adapter = make_valid (fixture, "web");
  put (fixture, "a", "somebody's");
  g_assert_cmpint (g_mkdir (directory, 0755), ==, 0);
  g_assert_cmpint (symlink ("/etc", link), ==, 0);
  assert_foreign (adapter, "a", "/a");
  assert_foreign (adapter, "b", "/b");
  assert_foreign (adapter, "c", "/c");
  withdraw (adapter, "a");
  withdraw (adapter, "b");
  withdraw (adapter, "c");
  g_assert_true (exists (fixture, "a"));
  g_assert_true (exists (fixture, "b"));
  g_assert_true (exists (fixture, "c"));
  /* What is not ours in a directory that is keeps the directory. */
  install (adapter, "www", 1);
  put (fixture, ".www.1/notes", "mine");
  withdraw (adapter, "www");
  g_assert_false (exists (fixture, "www"));
  g_assert_true (exists (fixture, ".www.1/notes"));
  g_assert_false (exists (fixture, ".www.1/privkey.pem"));
}

static void
test_attacks (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HerdAdapter) adapter = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *victim = at (fixture, "victim");
  g_autofree char *tls = at (fixture, "tls");
  g_autofree char *temporary = at (fixture, "tls/.www.1.new");
  g_autofree char *generation = at (fixture, "tls/.www.2");
  g_autofree char *archive = at (fixture, "archive");

  g_assert_cmpint (g_mkdir (victim, 0755), ==, 0);
  g_assert_cmpint (g_mkdir (tls, 0755), ==, 0);
  put (fixture, "victim/privkey.pem", "precious");
  set (fixture, "path", tls);
  adapter = make_valid (fixture, "web");
  /* A link where the new directory is to be, and one where the generation is. */
  g_assert_cmpint (symlink ("../victim", temporary), ==, 0);
  g_assert_false (try_install (adapter, "www", 1, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_EXISTS);
  g_clear_error (&error);
  g_assert_cmpint (symlink ("../victim", generation), ==, 0);
  g_assert_false (try_install (adapter, "www", 2, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);
  g_assert_false (exists (fixture, "tls/www"));
  g_clear_object (&adapter);
  /* A link in the place of a directory of ours. */
  set (fixture, "state-directory", fixture->root);
  g_hash_table_remove (fixture->settings, "path");
  g_assert_cmpint (symlink ("victim", archive), ==, 0);
  adapter = make_valid (fixture, "live");
  g_assert_false (try_install (adapter, "www", 1, &error));
  g_assert_nonnull (error);
  g_assert_cmpuint (count_entries (fixture, "victim"), ==, 1);
  assert_key_of (fixture, "victim/privkey.pem", "precious");
}

static void
test_single (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HerdAdapter) adapter = NULL;
  g_autofree char *path = at (fixture, "site.pem");
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  set (fixture, "path", path);
  set (fixture, "layout", "single");
  set (fixture, "mode", "0640");
  adapter = make_valid (fixture, "haproxy");
  install (adapter, "www", 1);
  install (adapter, "www", 2);
  install (adapter, "www", 2);
  text = read_text (fixture, "site.pem");
  g_assert_true (g_str_has_prefix (text, "-----BEGIN PRIVATE KEY-----\nwww 2\n"));
  g_assert_true (g_str_has_suffix (text, LEAF CA));
  g_assert_cmpuint (look (fixture, "site.pem").st_mode & 07777, ==, 0640);
  /* There is room for one. */
  g_assert_false (try_install (adapter, "other", 1, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_EXISTS);
  g_assert_nonnull (strstr (error->message, "www"));
  /* Back. */
  install (adapter, "www", 1);
  assert_key_of (fixture, "site.pem", "www 1\n");
  /* Another certificate's withdrawal is not ours. */
  withdraw (adapter, "other");
  g_assert_true (exists (fixture, "site.pem"));
  withdraw (adapter, "www");
  g_assert_cmpuint (count_entries (fixture, "."), ==, 0);
  withdraw (adapter, "www");
}

static void
test_single_foreign (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HerdAdapter) adapter = NULL;
  g_autofree char *path = at (fixture, "site.pem");

  set (fixture, "path", path);
  set (fixture, "layout", "single");
  adapter = make_valid (fixture, "haproxy");
  put (fixture, "site.pem", "somebody's");
  assert_foreign (adapter, "www", "site.pem");
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (symlink ("/etc/passwd", path), ==, 0);
  assert_foreign (adapter, "www", "site.pem");
  g_assert_cmpint (g_unlink (path), ==, 0);
  install (adapter, "www", 1);
  put (fixture, "site.pem", "edited");
  assert_foreign (adapter, "www", "site.pem");
  withdraw (adapter, "www");
  assert_key_of (fixture, "site.pem", "edited");
}

/* A crash between the record and the file: either content is ours. */
static void
test_single_crash (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HerdAdapter) adapter = NULL;
  g_autofree char *path = at (fixture, "site.pem");
  g_autofree char *old = NULL;

  set (fixture, "path", path);
  set (fixture, "layout", "single");
  adapter = make_valid (fixture, "haproxy");
  install (adapter, "www", 1);
  old = read_text (fixture, "site.pem");
  install (adapter, "www", 2);
  put (fixture, "site.pem", old);
  install (adapter, "www", 3);
  assert_key_of (fixture, "site.pem", "www 3\n");
}

static void
test_settings (Fixture *fixture, gconstpointer data)
{
  static const struct {
    const char *target, *key, *value;
  } bad[] = {
    { "web", "path", "relative" },
    { "web", "layout", "flat" },
    { "web", "owner", "no-such-user" },
    { "web", "group", "no-such-group" },
    { "web", "mode", "0644" },
    { "web", "mode", "4600" },
    { "web", "mode", "rw" },
    { "web", "mode", "0200" },
    { "web", "owner", "4294967295" },
    { "live", "path", "/srv" },
    { "live", "layout", "single" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_hash_table_remove_all (fixture->settings);
    set (fixture, g_str_equal (bad[i].target, "live") ? "state-directory" : "path", fixture->root);
    set (fixture, bad[i].key, bad[i].value);
    g_assert_null (make (fixture, bad[i].target, &error));
    g_assert_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT);
    g_assert_nonnull (strstr (error->message, bad[i].key));
  }
}

static void
test_missing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HerdAdapter) adapter = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = at (fixture, "not/there");

  set (fixture, "path", path);
  adapter = make_valid (fixture, "web");
  g_assert_false (try_install (adapter, "www", 1, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, path));
  withdraw (adapter, "www");
}

/* RLIMIT_FSIZE stands for a full disk: the write fails in its middle. */
static void
test_full (Fixture *fixture, gconstpointer data)
{
  const struct rlimit nothing = { 40, RLIM_INFINITY };
  struct rlimit before;
  g_autoptr (HerdAdapter) adapter = NULL;
  g_autoptr (GError) error = NULL;

  set (fixture, "path", fixture->root);
  adapter = make_valid (fixture, "web");
  install (adapter, "www", 1);
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &before), ==, 0);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &nothing), ==, 0);
  g_assert_false (try_install (adapter, "www", 2, &error));
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &before), ==, 0);
  g_assert_cmpint (herd_error_class (error), ==, HERD_ERROR_CLASS_BACKOFF);
  /* The old one is whole, and nothing is left of the new one. */
  assert_key_of (fixture, "www/privkey.pem", "www 1\n");
  g_assert_cmpuint (count_entries (fixture, "."), ==, 2);
  install (adapter, "www", 2);
  assert_key_of (fixture, "www/privkey.pem", "www 2\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/adapter-files/" name, Fixture, NULL, setup, function, teardown)
  ADD ("live", test_live);
  ADD ("kept", test_kept);
  ADD ("name", test_name);
  ADD ("leftovers", test_leftovers);
  ADD ("rights", test_rights);
  ADD ("foreign", test_foreign);
  ADD ("attacks", test_attacks);
  ADD ("single", test_single);
  ADD ("single-foreign", test_single_foreign);
  ADD ("single-crash", test_single_crash);
  ADD ("settings", test_settings);
  ADD ("missing", test_missing);
  ADD ("full", test_full);
  return g_test_run ();
}
