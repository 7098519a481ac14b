// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * solver-http-01 with a host that only counts, and with web roots.
 */
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/error.h"
#include "plugin/plugin.h"
#include "plugin/solver.h"

extern const HerdPlugin herd_plugin;

#define TEST_TYPE_HOST (test_host_get_type ())
G_DECLARE_FINAL_TYPE (TestHost, test_host, TEST, HOST, GObject)

struct _TestHost {
  GObject parent;
  guint answered, withdrawn;
  gboolean broken;
  const char *webroot, *listen;
};

static void
host_answer_async (HerdSolverHost *host, GPtrArray *challenges, GCancellable *cancellable,
                   GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (host, cancellable, callback, data);

  TEST_HOST (host)->answered += challenges->len;
  if (TEST_HOST (host)->broken)
    g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_UNREACHABLE, "nobody is there");
  else
    g_task_return_boolean (task, TRUE);
}

static void
host_withdraw_async (HerdSolverHost *host, GPtrArray *challenges, GAsyncReadyCallback callback,
                     gpointer data)
{
  g_autoptr (GTask) task = g_task_new (host, NULL, callback, data);

  TEST_HOST (host)->withdrawn += challenges->len;
  g_task_return_boolean (task, TRUE);
}

static gboolean
host_finish (HerdSolverHost *host, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static const char *
host_get_name (HerdSolverHost *host)
{
  return "test";
}

static const char *
host_get_setting (HerdSolverHost *host, const char *key)
{
  if (g_str_equal (key, "webroot"))
    return TEST_HOST (host)->webroot;
  return g_str_equal (key, "listen") ? TEST_HOST (host)->listen : NULL;
}

static void
host_iface_init (HerdSolverHostInterface *iface)
{
  iface->get_name = host_get_name;
  iface->get_setting = host_get_setting;
  iface->answer_async = host_answer_async;
  iface->answer_finish = host_finish;
  iface->withdraw_async = host_withdraw_async;
  iface->withdraw_finish = host_finish;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (TestHost, test_host, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HERD_TYPE_SOLVER_HOST, host_iface_init))

static void
test_host_class_init (TestHostClass *klass)
{}

static void
test_host_init (TestHost *host)
{}

static void
keep_result (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static GAsyncResult *
wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return *result;
}

static void
test_types (void)
{
  g_autoptr (TestHost) host = g_object_new (TEST_TYPE_HOST, NULL);
  g_autoptr (HerdSolver) solver = g_object_new (herd_plugin.get_type (), "host", host, NULL);

  g_assert_cmpstr (herd_solver_get_challenge_types (solver, "www.example.org")[0], ==, "http-01");
  g_assert_cmpstr (herd_solver_get_challenge_types (solver, "192.0.2.1")[0], ==, "http-01");
  g_assert_cmpstr (herd_solver_get_challenge_types (solver, "2001:db8::1")[0], ==, "http-01");
  g_assert_null (herd_solver_get_challenge_types (solver, "www.example.org")[1]);
  g_assert_null (herd_solver_get_challenge_types (solver, "*.example.org")[0]);
}

static void
test_present (void)
{
  g_autoptr (TestHost) host = g_object_new (TEST_TYPE_HOST, NULL);
  g_autoptr (HerdSolver) solver = g_object_new (herd_plugin.get_type (), "host", host, NULL);
  g_autoptr (GPtrArray)
      challenges = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_challenge_unref);
  g_autoptr (GAsyncResult) presented = NULL;
  g_autoptr (GAsyncResult) refused = NULL;
  g_autoptr (GAsyncResult) cleaned = NULL;
  g_autoptr (GError) error = NULL;

  g_ptr_array_add (challenges, herd_challenge_new ("http-01", "a.example", "t", "t.k"));
  g_ptr_array_add (challenges, herd_challenge_new ("http-01", "b.example", "u", "u.k"));
  herd_solver_present_async (solver, challenges, NULL, keep_result, &presented);
  g_assert_true (herd_solver_present_finish (solver, wait_for (&presented), &error));
  g_assert_no_error (error);
  g_assert_cmpuint (host->answered, ==, 2);
  host->broken = TRUE;
  herd_solver_present_async (solver, challenges, NULL, keep_result, &refused);
  g_assert_false (herd_solver_present_finish (solver, wait_for (&refused), &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_UNREACHABLE);
  g_clear_error (&error);
  herd_solver_cleanup_async (solver, challenges, keep_result, &cleaned);
  g_assert_true (herd_solver_cleanup_finish (solver, wait_for (&cleaned), &error));
  g_assert_cmpuint (host->withdrawn, ==, 2);
}

/* --- web roots --- */

#define TOKEN_A "aaaaaaaaaaaaaaaaaaaaaaaa"
#define TOKEN_B "-bbbbbbbbbbbbbbbbbbbbbbb"
#define FOLDER ".well-known/acme-challenge"

typedef struct {
  char *root;
  char *elsewhere; /* where an attacker would have us write */
  TestHost *host;
  HerdSolver *solver;
  GPtrArray *challenges;
  GError *error;
} Fixture;

static void
setup (Fixture *fixture, gconstpointer data)
{
  /* The modes are ours, not the umask's. */
  umask (077);
  fixture->root = g_dir_make_tmp ("certherd-webroot-XXXXXX", NULL);
  fixture->elsewhere = g_dir_make_tmp ("certherd-elsewhere-XXXXXX", NULL);
  g_assert_true (fixture->root != NULL && fixture->elsewhere != NULL);
  fixture->host = g_object_new (TEST_TYPE_HOST, NULL);
  fixture->host->webroot = fixture->root;
  fixture->solver = g_object_new (herd_plugin.get_type (), "host", fixture->host, NULL);
  g_assert_true (herd_solver_check (fixture->solver, NULL));
  fixture->challenges = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_challenge_unref);
  g_ptr_array_add (fixture->challenges,
                   herd_challenge_new ("http-01", "a.example", TOKEN_A, TOKEN_A ".key"));
  g_ptr_array_add (fixture->challenges,
                   herd_challenge_new ("http-01", "192.0.2.1", TOKEN_B, TOKEN_B ".key"));
}

static void
teardown (Fixture *fixture, gconstpointer data)
{
  const char *const argv[] = { "rm", "-rf", fixture->root, fixture->elsewhere, NULL };

  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               NULL, NULL, NULL));
  g_object_unref (fixture->solver);
  g_object_unref (fixture->host);
  g_ptr_array_unref (fixture->challenges);
  g_clear_error (&fixture->error);
  g_free (fixture->root);
  g_free (fixture->elsewhere);
}

static gboolean
present (Fixture *fixture)
{
  g_autoptr (GAsyncResult) result = NULL;

  g_clear_error (&fixture->error);
  herd_solver_present_async (fixture->solver, fixture->challenges, NULL, keep_result, &result);
  return herd_solver_present_finish (fixture->solver, wait_for (&result), &fixture->error);
}

static gboolean
clean_up (Fixture *fixture)
{
  g_autoptr (GAsyncResult) result = NULL;

  g_clear_error (&fixture->error);
  herd_solver_cleanup_async (fixture->solver, fixture->challenges, keep_result, &result);
  return herd_solver_cleanup_finish (fixture->solver, wait_for (&result), &fixture->error);
}

static char *
path_of (Fixture *fixture, const char *name)
{
  return g_build_filename (fixture->root, name, NULL);
}

static gboolean
exists (Fixture *fixture, const char *name)
{
  g_autofree char *path = path_of (fixture, name);
  struct stat status;

  return lstat (path, &status) == 0;
}

static void
assert_entry (Fixture *fixture, const char *name, guint mode, const char *text)
{
  g_autofree char *path = path_of (fixture, name);
  g_autofree char *found = NULL;
  struct stat status;

  g_assert_cmpint (lstat (path, &status), ==, 0);
  g_assert_cmpuint (status.st_mode & 07777, ==, mode);
  if (text != NULL)
    g_assert_true (g_file_get_contents (path, &found, NULL, NULL));
  g_assert_cmpstr (found, ==, text);
}

static void
assert_refused (Fixture *fixture, HerdError code, const char *words)
{
  g_assert_error (fixture->error, HERD_ERROR, (int) code);
  g_assert_true (g_str_has_prefix (fixture->error->message, "solver test: "));
  if (strstr (fixture->error->message, words) == NULL)
    g_error ("\"%s\" does not say \"%s\"", fixture->error->message, words);
}

static void
make_directory (Fixture *fixture, const char *name)
{
  g_autofree char *path = path_of (fixture, name);

  g_assert_cmpint (g_mkdir_with_parents (path, 0755), ==, 0);
}

static void
make_file (Fixture *fixture, const char *name, const char *text)
{
  g_autofree char *path = path_of (fixture, name);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
test_webroot (Fixture *fixture, gconstpointer data)
{
  g_assert_true (present (fixture));
  assert_entry (fixture, ".well-known", 0755, NULL);
  assert_entry (fixture, FOLDER, 0755, NULL);
  assert_entry (fixture, FOLDER "/" TOKEN_A, 0644, TOKEN_A ".key");
  assert_entry (fixture, FOLDER "/" TOKEN_B, 0644, TOKEN_B ".key");
  /* after a restart: with the files there, and by another instance */
  g_assert_true (present (fixture));
  g_object_unref (fixture->solver);
  fixture->solver = g_object_new (herd_plugin.get_type (), "host", fixture->host, NULL);
  g_assert_true (herd_solver_check (fixture->solver, NULL));
  g_assert_true (clean_up (fixture));
  g_assert_false (exists (fixture, ".well-known"));
  g_assert_true (clean_up (fixture));
  g_assert_cmpuint (fixture->host->answered + fixture->host->withdrawn, ==, 0);
}

static void
test_webroot_others (Fixture *fixture, gconstpointer data)
{
  make_directory (fixture, FOLDER);
  make_file (fixture, FOLDER "/other", "theirs");
  make_file (fixture, FOLDER "/" TOKEN_B, "theirs too");
  g_assert_false (present (fixture));
  assert_refused (fixture, HERD_ERROR_EXISTS, TOKEN_B);
  g_assert_true (clean_up (fixture));
  g_assert_false (exists (fixture, FOLDER "/" TOKEN_A));
  assert_entry (fixture, FOLDER "/" TOKEN_B, 0600, "theirs too");
  g_assert_true (exists (fixture, FOLDER "/other"));
}

/* Whoever owns the web root puts a symbolic link where we go. */
static void
test_webroot_links (Fixture *fixture, gconstpointer data)
{
  static const char *const places[] = { ".well-known", FOLDER, FOLDER "/" TOKEN_A };
  g_autofree char *target = g_build_filename (fixture->elsewhere, "file", NULL);

  g_assert_true (g_file_set_contents (target, TOKEN_A ".key", -1, NULL));
  g_assert_cmpint (g_chmod (target, 0644), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (places); i++) {
    g_autofree char *link_path = path_of (fixture, places[i]);
    g_autofree char *parent = g_path_get_dirname (places[i]);
    g_autoptr (GDir) dir = NULL;

    make_directory (fixture, parent);
    g_assert_cmpint (symlink (i == 2 ? target : fixture->elsewhere, link_path), ==, 0);
    g_assert_false (present (fixture));
    assert_refused (fixture, i == 2 ? HERD_ERROR_EXISTS : fixture->error->code, places[i]);
    clean_up (fixture);
    /* The link is theirs, and so is what it leads to. */
    g_assert_true (exists (fixture, places[i]));
    dir = g_dir_open (fixture->elsewhere, 0, NULL);
    g_assert_cmpstr (g_dir_read_name (dir), ==, "file");
    g_assert_null (g_dir_read_name (dir));
    g_assert_cmpint (g_unlink (link_path), ==, 0);
  }
}

static void
test_webroot_token (Fixture *fixture, gconstpointer data)
{
  g_ptr_array_add (fixture->challenges,
                   herd_challenge_new ("http-01", "a.example", "../../../../tmp/xxxxxxxxxx", "x"));
  g_assert_false (present (fixture));
  assert_refused (fixture, HERD_ERROR_REFUSED, "a.example");
  g_assert_true (clean_up (fixture));
}

static void
test_webroot_missing (Fixture *fixture, gconstpointer data)
{
  fixture->host->webroot = "/nowhere/www";
  g_assert_true (herd_solver_check (fixture->solver, NULL));
  g_assert_false (present (fixture));
  assert_refused (fixture, HERD_ERROR_NOT_FOUND, "/nowhere/www");
  g_assert_true (clean_up (fixture));
}

static void
test_webroot_settings (Fixture *fixture, gconstpointer data)
{
  fixture->host->listen = "[::]:80";
  g_assert_false (herd_solver_check (fixture->solver, &fixture->error));
  assert_refused (fixture, HERD_ERROR_INVALID_ARGUMENT, "webroot");
}

static void
test_descriptor (void)
{
  g_assert_cmpuint (herd_plugin.abi, ==, HERD_PLUGIN_ABI);
  g_assert_cmpstr (herd_plugin.kind, ==, "solver");
  g_assert_cmpstr (herd_plugin.name, ==, "http-01");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/solver-http-01/types", test_types);
  g_test_add_func ("/solver-http-01/present", test_present);
  g_test_add_func ("/solver-http-01/descriptor", test_descriptor);
#define ADD(path, func)                                                                            \
  g_test_add ("/solver-http-01/webroot" path, Fixture, NULL, setup, func, teardown)
  ADD ("", test_webroot);
  ADD ("/others", test_webroot_others);
  ADD ("/links", test_webroot_links);
  ADD ("/token", test_webroot_token);
  ADD ("/missing", test_webroot_missing);
  ADD ("/settings", test_webroot_settings);
#undef ADD
  return g_test_run ();
}
