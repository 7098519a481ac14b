// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A solver whose challenges the responder answers, with a host that only counts. Built once for each,
 * with its challenge TYPE.
 */
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

static void
host_iface_init (HerdSolverHostInterface *iface)
{
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
assert_solves (HerdSolver *solver, const char *identifier, gboolean expected)
{
  const char *const *types = herd_solver_get_challenge_types (solver, identifier);

  g_assert_cmpstr (types[0], ==, expected ? TYPE : NULL);
  if (expected)
    g_assert_null (types[1]);
}

static void
test_types (void)
{
  g_autoptr (TestHost) host = g_object_new (TEST_TYPE_HOST, NULL);
  g_autoptr (HerdSolver) solver = g_object_new (herd_plugin.get_type (), "host", host, NULL);
  gboolean addresses = !g_str_equal (TYPE, "tls-sni-01");

  assert_solves (solver, "www.example.org", TRUE);
  assert_solves (solver, "192.0.2.1", addresses);
  assert_solves (solver, "2001:db8::1", addresses);
  assert_solves (solver, "*.example.org", FALSE);
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

  g_ptr_array_add (challenges, herd_challenge_new (TYPE, "a.example", "t", "t.k"));
  g_ptr_array_add (challenges, herd_challenge_new (TYPE, "b.example", "u", "u.k"));
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

static void
test_descriptor (void)
{
  g_assert_cmpuint (herd_plugin.abi, ==, HERD_PLUGIN_ABI);
  g_assert_cmpstr (herd_plugin.kind, ==, "solver");
  g_assert_cmpstr (herd_plugin.name, ==, TYPE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/" TYPE "/types", test_types);
  g_test_add_func ("/" TYPE "/present", test_present);
  g_test_add_func ("/" TYPE "/descriptor", test_descriptor);
  return g_test_run ();
}
