// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The tests' host.
 */
#include "host.h"

#include <glib/gstdio.h>
#include <string.h>

#include "plugin/error.h"

#define CHECKPOINT "checkpoint"
#define ACCOUNT_KEY "account-key"

struct _TestHost {
  GObject parent;
  char *directory;
  GPtrArray *solvers;
  GString *steps;
  GString *spendings;
  gboolean spent; /* and nothing was written since */
  guint commits;
  gboolean locked;
  gboolean failing;
};

static void issuer_host_iface_init (HerdIssuerHostInterface *iface);

G_DEFINE_TYPE_WITH_CODE (TestHost, test_host, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (HERD_TYPE_ISSUER_HOST, issuer_host_iface_init))

static void
test_host_finalize (GObject *object)
{
  TestHost *host = TEST_HOST (object);

  g_free (host->directory);
  g_ptr_array_unref (host->solvers);
  g_string_free (host->steps, TRUE);
  g_string_free (host->spendings, TRUE);
  G_OBJECT_CLASS (test_host_parent_class)->finalize (object);
}

static void
test_host_class_init (TestHostClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = test_host_finalize;
}

static void
test_host_init (TestHost *host)
{
  host->solvers = g_ptr_array_new_with_free_func (g_object_unref);
  host->steps = g_string_new (NULL);
  host->spendings = g_string_new (NULL);
}

TestHost *
test_host_new (const char *directory)
{
  TestHost *host = g_object_new (TEST_TYPE_HOST, NULL);

  host->directory = g_strdup (directory);
  return host;
}

void
test_host_add_solver (TestHost *host, gpointer solver)
{
  g_ptr_array_add (host->solvers, g_object_ref (solver));
}

void
test_host_put (TestHost *host, const char *name, GBytes *bytes)
{
  g_autofree char *path = g_build_filename (host->directory, name, NULL);
  gsize size;
  const char *data;

  if (bytes == NULL) {
    g_unlink (path);
    return;
  }
  data = g_bytes_get_data (bytes, &size);
  /* Renamed into place, as the state's transactions are: there is no half of it. */
  g_assert_true (g_file_set_contents (path, data, (gssize) size, NULL));
}

GBytes *
test_host_get (TestHost *host, const char *name)
{
  g_autofree char *path = g_build_filename (host->directory, name, NULL);
  char *data;
  gsize size;

  return g_file_get_contents (path, &data, &size, NULL) ? g_bytes_new_take (data, size) : NULL;
}

GBytes *
test_host_get_checkpoint (TestHost *host)
{
  return test_host_get (host, CHECKPOINT);
}

void
test_host_forget_checkpoint (TestHost *host)
{
  test_host_put (host, CHECKPOINT, NULL);
}

guint
test_host_get_commits (TestHost *host)
{
  return host->commits;
}

char *
test_host_get_steps (TestHost *host)
{
  return g_strdup (host->steps->str);
}

char *
test_host_get_spendings (TestHost *host)
{
  return g_strdup (host->spendings->str);
}

void
test_host_lock (TestHost *host)
{
  host->locked = TRUE;
}

void
test_host_fail_checkpoint (TestHost *host)
{
  host->failing = TRUE;
}

/* --- the contract --- */

static void
answer (gpointer source, GAsyncReadyCallback callback, gpointer data, GError *error)
{
  g_autoptr (GTask) task = g_task_new (source, NULL, callback, data);

  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

static void
note_commit (TestHost *self)
{
  self->commits++;
  if (self->spent)
    g_string_append (self->spendings, ",kept");
  self->spent = FALSE;
}

static void
checkpoint_async (HerdIssuerHost *host, GBytes *bytes, GAsyncReadyCallback callback, gpointer data)
{
  TestHost *self = TEST_HOST (host);
  GError *error = NULL;

  if (self->failing) {
    self->failing = FALSE;
    error = g_error_new_literal (HERD_ERROR, HERD_ERROR_FAILED, "the disk is full");
  } else {
    test_host_put (self, CHECKPOINT, bytes);
    note_commit (self);
  }
  answer (host, callback, data, error);
}

static gboolean
boolean_finish (HerdIssuerHost *host G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
record_get_async (HerdIssuerHost *host, const char *name, GAsyncReadyCallback callback,
                  gpointer data)
{
  TestHost *self = TEST_HOST (host);
  g_autoptr (GTask) task = g_task_new (host, NULL, callback, data);
  GBytes *bytes;

  if (self->locked && g_str_equal (name, ACCOUNT_KEY)) {
    g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_LOCKED, "the keyring is locked");
    return;
  }
  bytes = test_host_get (self, name);
  if (bytes != NULL)
    g_task_return_pointer (task, bytes, (GDestroyNotify) g_bytes_unref);
  else
    g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_NOT_FOUND, "no record %s", name);
}

static GBytes *
record_get_finish (HerdIssuerHost *host G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
record_put_async (HerdIssuerHost *host, const char *name, GBytes *bytes, gboolean sealed,
                  GAsyncReadyCallback callback, gpointer data)
{
  static const char *const secrets[] = { ACCOUNT_KEY, "account-key-next", "account-key-import",
                                         "binding", NULL };

  g_assert_true (sealed == g_strv_contains (secrets, name));
  test_host_put (TEST_HOST (host), name, bytes);
  note_commit (TEST_HOST (host));
  answer (host, callback, data, NULL);
}

static GBytes *
sign (HerdIssuerHost *host, const char *name, GBytes *digest, GError **error)
{
  g_autoptr (GBytes) pkcs8 = test_host_get (TEST_HOST (host), name);
  g_autoptr (HerdKey) key = herd_key_new_from_pkcs8 (pkcs8, error);

  return key != NULL ? herd_key_sign_digest (key, digest, error) : NULL;
}

/* By the order in which they were added. */
static const char *const names[] = { "first", "second", "third" };

static GPtrArray *
get_solvers (HerdIssuerHost *host, const char *identifier G_GNUC_UNUSED)
{
  TestHost *self = TEST_HOST (host);
  GPtrArray *solvers = g_ptr_array_new ();

  for (guint i = 0; i < self->solvers->len; i++)
    g_ptr_array_add (solvers, self->solvers->pdata[i]);
  return solvers;
}

static const char *
get_solver_name (HerdIssuerHost *host, HerdSolver *solver)
{
  TestHost *self = TEST_HOST (host);
  guint index = 0;

  g_assert_true (g_ptr_array_find (self->solvers, solver, &index));
  return names[index];
}

static void
progress (HerdIssuerHost *host, const char *step, double fraction)
{
  GString *steps = TEST_HOST (host)->steps;

  g_assert_cmpfloat (fraction, >=, 0);
  g_assert_cmpfloat (fraction, <=, 1);
  g_string_append_printf (steps, "%s%s", steps->len > 0 ? "," : "", step);
}

static const char *
spending_to_string (HerdSpending what)
{
  switch (what) {
  case HERD_SPENDING_ACCOUNT:
    return "account";
  case HERD_SPENDING_ORDER:
    return "order";
  case HERD_SPENDING_REPLACEMENT:
    return "replacement";
  case HERD_SPENDING_FAILURE:
    return "failure";
  }
  g_assert_not_reached ();
}

static void
spend (HerdIssuerHost *host, HerdSpending what, const char *identifier)
{
  TestHost *self = TEST_HOST (host);

  g_string_append_printf (self->spendings, "%s%s%s%s", self->spendings->len > 0 ? "," : "",
                          spending_to_string (what), identifier != NULL ? " " : "",
                          identifier != NULL ? identifier : "");
  self->spent = TRUE;
}

static void
issuer_host_iface_init (HerdIssuerHostInterface *iface)
{
  iface->checkpoint_async = checkpoint_async;
  iface->checkpoint_finish = boolean_finish;
  iface->record_get_async = record_get_async;
  iface->record_get_finish = record_get_finish;
  iface->record_put_async = record_put_async;
  iface->record_put_finish = boolean_finish;
  iface->sign = sign;
  iface->get_solvers = get_solvers;
  iface->get_solver_name = get_solver_name;
  iface->progress = progress;
  iface->spend = spend;
}

/* --- the solver --- */

struct _TestSolver {
  GObject parent;
  const char *types[2];
  char *challtestsrv; /* host and port */
  char *log;
  guint presents;
  guint cleanups;
  guint batch;
  gboolean failing;
  gboolean promising;
  GPtrArray *presented; /* by the last call; NULL: none */
};

static void solver_iface_init (HerdSolverInterface *iface);

G_DEFINE_TYPE_WITH_CODE (TestSolver, test_solver, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (HERD_TYPE_SOLVER, solver_iface_init))

static void
test_solver_finalize (GObject *object)
{
  TestSolver *solver = TEST_SOLVER (object);

  g_free (solver->challtestsrv);
  g_free (solver->log);
  g_clear_pointer (&solver->presented, g_ptr_array_unref);
  G_OBJECT_CLASS (test_solver_parent_class)->finalize (object);
}

/* "host" is the core's; this solver needs none. */
static void
test_solver_set_property (GObject *object G_GNUC_UNUSED, guint id G_GNUC_UNUSED,
                          const GValue *value G_GNUC_UNUSED, GParamSpec *spec G_GNUC_UNUSED)
{}

static void
test_solver_get_property (GObject *object G_GNUC_UNUSED, guint id G_GNUC_UNUSED,
                          GValue *value G_GNUC_UNUSED, GParamSpec *spec G_GNUC_UNUSED)
{}

static void
test_solver_class_init (TestSolverClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = test_solver_finalize;
  G_OBJECT_CLASS (klass)->set_property = test_solver_set_property;
  G_OBJECT_CLASS (klass)->get_property = test_solver_get_property;
  g_object_class_override_property (G_OBJECT_CLASS (klass), 1, "host");
}

static void
test_solver_init (TestSolver *solver G_GNUC_UNUSED)
{}

TestSolver *
test_solver_new (const char *type, const char *challtestsrv, const char *log)
{
  TestSolver *solver = g_object_new (TEST_TYPE_SOLVER, NULL);

  solver->types[0] = g_intern_string (type);
  if (challtestsrv != NULL)
    solver->challtestsrv = g_strdup (challtestsrv + strlen ("http://"));
  solver->log = g_strdup (log);
  return solver;
}

guint
test_solver_get_presents (TestSolver *solver)
{
  return solver->presents;
}

guint
test_solver_get_cleanups (TestSolver *solver)
{
  return solver->cleanups;
}

guint
test_solver_get_batch (TestSolver *solver)
{
  return solver->batch;
}

void
test_solver_fail (TestSolver *solver)
{
  solver->failing = TRUE;
}

void
test_solver_promise (TestSolver *solver)
{
  solver->promising = TRUE;
}

void
test_solver_see (TestSolver *solver)
{
  for (guint i = 0; i < solver->presented->len; i++)
    herd_challenge_note_sighting (solver->presented->pdata[i]);
}

/* challtestsrv's management API, blocking: it answers at once. */
static void
post_to_challtestsrv (TestSolver *solver, const char *path, const char *body)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnection)
      connection = g_socket_client_connect_to_host (client, solver->challtestsrv, 0, NULL, &error);
  g_autofree char *request = g_strdup_printf ("POST %s HTTP/1.0\r\nContent-Length: %zu\r\n\r\n%s",
                                              path, strlen (body), body);
  char answered[16] = "";
  gsize size;

  g_assert_no_error (error);
  g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)), request,
                             strlen (request), NULL, NULL, &error);
  g_assert_no_error (error);
  g_input_stream_read_all (g_io_stream_get_input_stream (G_IO_STREAM (connection)), answered,
                           sizeof answered - 1, &size, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (strstr (answered, " 200"));
}

static void
note (TestSolver *solver, const char *verb, const char *token)
{
  g_autoptr (GFile) file = g_file_new_for_path (solver->log);
  g_autoptr (GFileOutputStream) stream = g_file_append_to (file, G_FILE_CREATE_NONE, NULL, NULL);
  g_autofree char *line = g_strdup_printf ("%s %s\n", verb, token);

  g_assert_true (
      g_output_stream_write_all (G_OUTPUT_STREAM (stream), line, strlen (line), NULL, NULL, NULL));
}

/* What challtestsrv answers is made visible; nothing here needs the others to be. */
static void
show (TestSolver *solver, GPtrArray *challenges, gboolean visible)
{
  gboolean is_http = g_str_equal (solver->types[0], "http-01");
  const char *path = is_http ? (visible ? "/add-http01" : "/del-http01")
                             : (visible ? "/add-tlsalpn01" : "/del-tlsalpn01");

  for (guint i = 0; i < challenges->len; i++) {
    HerdChallenge *challenge = challenges->pdata[i];
    g_autofree char *body = g_strdup_printf ("{\"%s\":\"%s\",\"content\":\"%s\"}",
                                             is_http ? "token" : "host",
                                             is_http ? challenge->token : challenge->identifier,
                                             visible ? challenge->key_authorization : "");

    note (solver, visible ? "present" : "cleanup", challenge->token);
    if (solver->challtestsrv != NULL)
      post_to_challtestsrv (solver, path, body);
  }
}

static const char *const *
get_challenge_types (HerdSolver *solver, const char *identifier G_GNUC_UNUSED)
{
  return TEST_SOLVER (solver)->types;
}

static void
present_async (HerdSolver *solver, GPtrArray *challenges, GCancellable *cancellable G_GNUC_UNUSED,
               GAsyncReadyCallback callback, gpointer data)
{
  TestSolver *self = TEST_SOLVER (solver);
  GError *error = NULL;

  self->presents++;
  self->batch = challenges->len;
  g_clear_pointer (&self->presented, g_ptr_array_unref);
  self->presented = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_challenge_unref);
  for (guint i = 0; i < challenges->len; i++) {
    g_ptr_array_add (self->presented, herd_challenge_ref (challenges->pdata[i]));
    if (self->promising)
      herd_challenge_promise_sightings (challenges->pdata[i]);
  }
  if (self->failing)
    error = g_error_new_literal (HERD_ERROR, HERD_ERROR_UNREACHABLE, "no responder");
  else
    show (self, challenges, TRUE);
  answer (solver, callback, data, error);
}

static gboolean
solver_finish (HerdSolver *solver G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
cleanup_async (HerdSolver *solver, GPtrArray *challenges, GAsyncReadyCallback callback,
               gpointer data)
{
  TEST_SOLVER (solver)->cleanups++;
  show (TEST_SOLVER (solver), challenges, FALSE);
  answer (solver, callback, data, NULL);
}

static void
solver_iface_init (HerdSolverInterface *iface)
{
  iface->get_challenge_types = get_challenge_types;
  iface->present_async = present_async;
  iface->present_finish = solver_finish;
  iface->cleanup_async = cleanup_async;
  iface->cleanup_finish = solver_finish;
}

/* --- small helpers --- */

void
test_on_result (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  GAsyncResult **place = data;

  g_assert_null (*place);
  *place = g_object_ref (result);
}

HerdKey *
test_key_new (const char *type)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  HerdKey *key;

  herd_key_generate_async (type, NULL, test_on_result, &result);
  test_wait (result != NULL);
  key = herd_key_generate_finish (result, &error);
  g_assert_no_error (error);
  return key;
}

HerdIssueRequest *
test_request_new (const char *const *identifiers, HerdKey *given)
{
  g_autoptr (HerdKey) key = given != NULL ? herd_key_ref (given) : test_key_new ("ecdsa-p256");
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) csr = herd_csr_new (key, identifiers, NULL, FALSE, &error);
  g_autoptr (GBytes) public_key = csr != NULL ? herd_key_get_public (key, &error) : NULL;

  g_assert_no_error (error);
  return herd_issue_request_new ("test", identifiers, csr, public_key, NULL);
}
