// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The generic part: one call is caller → authorize → verb → reply, and for a long reply turn and slice
 * come before the verb. Rights are asked for with the details that the object has then; if it has
 * changed by the time of the answer, they are asked for again.
 */
#include "bus/bus-private.h"
#include "bus/details.h"
#include "plugin/error.h"

static void
end_turn (HerdBusCall *call)
{
  if (call->has_turn)
    herd_callers_end_turn (call->bus->callers, call->uid);
  call->has_turn = FALSE;
}

/* The bus goes while the call is under way: its run still ends, and finds that there is nobody to
 * answer. */
static void
call_detach (HerdBusCall *call)
{
  end_turn (call);
  call->bus = NULL;
  herd_run_cancel (call->run);
}

static void
call_free (HerdBusCall *call)
{
  if (call->bus != NULL && call->counted)
    herd_callers_end_call (call->bus->callers, call->uid);
  end_turn (call);
  if (call->progress != NULL)
    call->progress_free (call->progress);
  g_clear_pointer (&call->items, g_ptr_array_unref);
  g_clear_object (&call->invocation);
  g_clear_pointer (&call->checked, g_variant_unref);
  g_clear_pointer (&call->secret, g_bytes_unref);
  g_clear_pointer (&call->reply, g_variant_unref);
  g_clear_object (&call->fds);
  herd_run_unref (call->run);
  g_free (call);
}

/* Of the certificate, or issuer, that the call is about. */
static guint64
get_revision (const HerdBusCall *call)
{
  const HerdCertificate *certificate = herd_bus_get_certificate (call);
  gpointer row = herd_bus_get_row (call->agent, call->noun, call->id);

  if (certificate != NULL)
    return certificate->revision;
  if (row != NULL && call->noun == HERD_NOUN_ISSUER)
    return ((const HerdAuthority *) row)->revision;
  return 0;
}

static gboolean
check_object (const HerdBusCall *call, GError **error)
{
  if (call->bus == NULL) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_CANCELLED, "the bus was lost");
    return FALSE;
  }
  if (herd_bus_get_row (call->agent, call->noun, call->id) != NULL)
    return TRUE;
  herd_bus_set_missing (error, g_dbus_method_invocation_get_object_path (call->invocation));
  return FALSE;
}

/* --- caller: who is it --- */

static gboolean
enter_caller (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdBusCall *call = operation;

  herd_callers_get_uid_async (call->bus->callers, call->sender, herd_run_ready,
                              herd_run_slot (run));
  return TRUE;
}

static gboolean
leave_caller (HerdRun *run, gpointer operation, GError **error)
{
  HerdBusCall *call = operation;

  if (!herd_callers_get_uid_finish (herd_run_get_result (run, 0), &call->uid, error)
      || !check_object (call, error)
      || !herd_callers_begin_call (call->bus->callers, call->uid, error))
    return FALSE;
  call->counted = TRUE;
  return call->row->prepare == NULL || call->row->prepare (call, error);
}

/* --- authorize --- */

static gboolean
enter_authorize (HerdRun *run, gpointer operation, GError **error)
{
  HerdBusCall *call = operation;
  const char *action = call->row->action;
  g_auto (HerdDetails) details = { 0 };
  GDBusMessage *message = g_dbus_method_invocation_get_message (call->invocation);

  if (!check_object (call, error))
    return FALSE;
  if (call->row->decide != NULL)
    action = call->row->decide (call);
  call->revision = get_revision (call);
  call->asked = action != NULL;
  if (action == NULL)
    return TRUE;
  if (call->row->describe != NULL)
    call->row->describe (call, &details);
  else
    herd_bus_describe_object (call, &details);
  herd_authorizer_check_async (
      call->bus->authorizer, call->sender, call->uid, action, &details,
      (g_dbus_message_get_flags (message) & G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION)
          != 0,
      herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
leave_authorize (HerdRun *run, gpointer operation, GError **error)
{
  HerdBusCall *call = operation;

  if (!check_object (call, error))
    return FALSE;
  if (herd_run_get_n_results (run) > 0
      && !herd_authorizer_check_finish (herd_run_get_result (run, 0), error))
    return FALSE;
  if (!check_object (call, error))
    return FALSE;
  if (get_revision (call) != call->revision)
    herd_run_again (run, 0);
  return TRUE;
}

/* --- turn --- */

static gboolean
enter_turn (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdBusCall *call = operation;

  if (call->row->slice != NULL && call->bus != NULL)
    herd_callers_wait_turn_async (call->bus->callers, call->uid, herd_run_get_cancellable (run),
                                  herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
leave_turn (HerdRun *run, gpointer operation, GError **error)
{
  HerdBusCall *call = operation;

  if (!check_object (call, error))
    return FALSE;
  if (herd_run_get_n_results (run) > 0)
    call->has_turn = herd_callers_wait_turn_finish (herd_run_get_result (run, 0), error);
  return herd_run_get_n_results (run) == 0 || call->has_turn;
}

/* --- slice --- */

/* A turn of the loop for each slice, so that others are answered in between. */
static gboolean
enter_slice (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdBusCall *call = operation;
  g_autoptr (GTask) turn = NULL;

  if (call->row->slice == NULL)
    return TRUE;
  turn = g_task_new (NULL, NULL, herd_run_ready, herd_run_slot (run));
  g_task_return_boolean (turn, TRUE);
  return TRUE;
}

static gboolean
leave_slice (HerdRun *run, gpointer operation, GError **error)
{
  HerdBusCall *call = operation;
  gboolean more = FALSE;

  if (!check_object (call, error))
    return FALSE;
  if (call->row->slice != NULL && !call->row->slice (call, &more, error))
    return FALSE;
  if (more)
    herd_run_again (run, 0);
  return TRUE;
}

/* --- verb --- */

static gboolean
enter_verb (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdBusCall *call = operation;

  if (call->row->start != NULL)
    call->row->start (call, herd_run_slot (run));
  return TRUE;
}

static gboolean
leave_verb (HerdRun *run, gpointer operation, GError **error)
{
  HerdBusCall *call = operation;
  GVariant *reply;

  if (call->bus == NULL)
    return check_object (call, error);
  reply = call->row->finish (call, call->row->start != NULL ? herd_run_get_result (run, 0) : NULL,
                             error);

  if (reply == NULL)
    return FALSE;
  call->reply = g_variant_ref_sink (reply);
  return TRUE;
}

static const HerdStep steps[] = {
  { "caller", enter_caller, leave_caller, HERD_COMMIT_NONE },
  { "authorize", enter_authorize, leave_authorize, HERD_COMMIT_NONE },
  { "turn", enter_turn, leave_turn, HERD_COMMIT_NONE },
  { "slice", enter_slice, leave_slice, HERD_COMMIT_NONE },
  { "verb", enter_verb, leave_verb, HERD_COMMIT_NONE },
  { "reply", NULL, NULL, HERD_COMMIT_NONE },
};

/* Errors are ours, but for the one that D-Bus has a name for. */
static void
reply_error (GDBusMethodInvocation *invocation, const GError *error)
{
  g_autoptr (GError) copy = g_error_copy (error);
  gboolean interaction = herd_authorizer_wants_interaction (error);

  g_dbus_error_strip_remote_error (copy);
  g_dbus_method_invocation_return_dbus_error (
      invocation, interaction ? HERD_INTERACTION_REQUIRED : herd_error_get_name (error),
      copy->message);
}

static void
forget (gpointer data)
{
  HerdBusCall *call = data;

  if (call->bus != NULL)
    g_hash_table_steal (call->bus->calls, call);
  call_free (call);
}

static void
finished (gpointer operation, const GError *error)
{
  HerdBusCall *call = operation;
  gboolean long_reply = error == NULL && call->row->slice != NULL;
  GDBusMethodInvocation *invocation;

  if (call->bus == NULL) {
    call_free (call);
    return;
  }
  /* Answering consumes a reference; what the call borrowed from it is still used below. */
  invocation = g_object_ref (call->invocation);
  if (error != NULL)
    reply_error (invocation, error);
  else if (long_reply)
    herd_bus_send_long (invocation, g_steal_pointer (&call->reply), forget, call);
  else if (call->fds != NULL)
    g_dbus_method_invocation_return_value_with_unix_fd_list (invocation, call->reply, call->fds);
  else
    g_dbus_method_invocation_return_value (invocation, call->reply);
  if (error == NULL && call->row->after != NULL)
    call->row->after (call);
  /* Turn and quota last as long as the reply takes room. */
  if (!long_reply)
    forget (call);
}

static const HerdRunOps operations = { .finished = finished };

void
herd_bus_call_start (HerdBus *bus, HerdNoun noun, guint64 id, const HerdBusMethod *row,
                     GDBusMethodInvocation *invocation)
{
  HerdServices *services = herd_agent_get_services (bus->agent);
  HerdBusCall *call = g_new0 (HerdBusCall, 1);

  if (bus->calls == NULL)
    bus->calls = g_hash_table_new_full (NULL, NULL, (GDestroyNotify) call_detach, NULL);
  g_hash_table_add (bus->calls, call);
  call->bus = bus;
  call->agent = bus->agent;
  call->row = row;
  call->noun = noun;
  call->id = id;
  call->invocation = invocation;
  call->parameters = g_dbus_method_invocation_get_parameters (invocation);
  call->sender = g_dbus_method_invocation_get_sender (invocation);
  call->run = herd_run_new ("call", steps, G_N_ELEMENTS (steps), &operations, call, services->clock,
                            NULL);
  herd_run_start (call->run, NULL);
}
