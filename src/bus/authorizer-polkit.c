// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Questions to polkit: bus → authority → check. Owned by the bus; main loop only. libpolkit talks
 * through the process's shared connection, which is told not to end the process with the bus; it is
 * made anew when it was lost. A question ends when polkit answers, when its time is over, or when the
 * caller goes: then polkit is told to put away the dialog.
 */
#include <polkit/polkit.h>

#include "bus/authorizer-private.h"
#include "plugin/error.h"
#include "util/steps.h"

/* A rule answers in milliseconds; a person looks for a password. */
#define TIME_OF_RULES (20 * HERD_SECOND)
#define TIME_OF_PEOPLE (300 * HERD_SECOND)

typedef struct {
  HerdAuthorizer parent;
  int references; /* the bus's, and one for each question */
  GDBusConnection *connection;
  HerdClock *clock;
  GHashTable *questions; /* open ones */
  GDBusConnection *shared;
  PolkitAuthority *authority;
} Polkit;

typedef struct {
  Polkit *polkit;
  GTask *task;
  HerdRun *run;
  PolkitAuthority *authority;
  PolkitSubject *subject;
  PolkitDetails *details;
  char *action;
  guint32 uid;
  gboolean interactive;
  guint watch; /* for the caller's going */
  guint timer;
  gboolean gone;
  gboolean late;
} Question;

static void
polkit_unref (Polkit *polkit)
{
  if (--polkit->references > 0)
    return;
  g_hash_table_unref (polkit->questions);
  g_clear_object (&polkit->authority);
  g_clear_object (&polkit->shared);
  g_object_unref (polkit->connection);
  herd_clock_unref (polkit->clock);
  g_free (polkit);
}

static void
question_free (Question *question)
{
  if (question->watch != 0)
    g_dbus_connection_signal_unsubscribe (question->polkit->connection, question->watch);
  herd_clock_disarm (question->polkit->clock, question->timer);
  g_hash_table_remove (question->polkit->questions, question);
  polkit_unref (question->polkit);
  g_clear_object (&question->authority);
  g_object_unref (question->subject);
  g_object_unref (question->details);
  g_object_unref (question->task);
  herd_run_unref (question->run);
  g_free (question->action);
  g_free (question);
}

/* --- bus --- */

static gboolean
enter_bus (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  Polkit *polkit = ((Question *) operation)->polkit;

  if (polkit->shared != NULL && g_dbus_connection_is_closed (polkit->shared)) {
    g_clear_object (&polkit->authority);
    g_clear_object (&polkit->shared);
  }
  if (polkit->shared == NULL)
    g_bus_get (G_BUS_TYPE_SYSTEM, herd_run_get_cancellable (run), herd_run_ready,
               herd_run_slot (run));
  return TRUE;
}

static gboolean
leave_bus (HerdRun *run, gpointer operation, GError **error)
{
  Polkit *polkit = ((Question *) operation)->polkit;
  g_autoptr (GDBusConnection) shared = NULL;

  if (herd_run_get_n_results (run) == 0)
    return TRUE;
  shared = g_bus_get_finish (herd_run_get_result (run, 0), error);
  if (shared == NULL)
    return FALSE;
  g_dbus_connection_set_exit_on_close (shared, FALSE);
  g_set_object (&polkit->shared, shared);
  return TRUE;
}

/* --- authority --- */

static gboolean
enter_authority (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  if (((Question *) operation)->polkit->authority == NULL)
    polkit_authority_get_async (herd_run_get_cancellable (run), herd_run_ready,
                                herd_run_slot (run));
  return TRUE;
}

static gboolean
leave_authority (HerdRun *run, gpointer operation, GError **error)
{
  Polkit *polkit = ((Question *) operation)->polkit;
  g_autoptr (PolkitAuthority) authority = NULL;

  if (herd_run_get_n_results (run) == 0)
    return TRUE;
  authority = polkit_authority_get_finish (herd_run_get_result (run, 0), error);
  if (authority == NULL)
    return FALSE;
  g_set_object (&polkit->authority, authority);
  return TRUE;
}

/* --- check --- */

static gboolean
enter_check (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  Question *question = operation;

  question->authority = g_object_ref (question->polkit->authority);
  polkit_authority_check_authorization (
      question->authority, question->subject, question->action, question->details,
      question->interactive ? POLKIT_CHECK_AUTHORIZATION_FLAGS_ALLOW_USER_INTERACTION
                            : POLKIT_CHECK_AUTHORIZATION_FLAGS_NONE,
      herd_run_get_cancellable (run), herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static GError *
new_interaction_required (const Question *question)
{
  g_autofree char *message = g_strdup_printf (
      "%s: somebody has to be asked; allow interactive authorization in the call",
      question->action);

  return g_dbus_error_new_for_dbus_error (HERD_INTERACTION_REQUIRED, message);
}

/* What a negative answer means to the caller. */
static GError *
new_refusal (const Question *question, PolkitAuthorizationResult *answer)
{
  if (polkit_authorization_result_get_is_challenge (answer) && !question->interactive)
    return new_interaction_required (question);
  if (polkit_authorization_result_get_is_challenge (answer))
    return g_error_new (HERD_ERROR, HERD_ERROR_NOT_AUTHORIZED,
                        "user %u may not do %s, and there is no authentication agent to ask "
                        "somebody with; have a polkit rule allow it, or do it as root",
                        question->uid, question->action);
  if (polkit_authorization_result_get_dismissed (answer))
    return g_error_new (HERD_ERROR, HERD_ERROR_NOT_AUTHORIZED,
                        "%s: the question was dismissed; call again to be asked again",
                        question->action);
  return g_error_new (HERD_ERROR, HERD_ERROR_NOT_AUTHORIZED,
                      "user %u may not do %s; have a polkit rule allow it, or do it as root",
                      question->uid, question->action);
}

static gboolean
leave_check (HerdRun *run, gpointer operation, GError **error)
{
  Question *question = operation;
  g_autoptr (PolkitAuthorizationResult) answer = polkit_authority_check_authorization_finish (
      question->authority, herd_run_get_result (run, 0), error);

  if (answer == NULL)
    return FALSE;
  if (polkit_authorization_result_get_is_authorized (answer))
    return TRUE;
  g_propagate_error (error, new_refusal (question, answer));
  return FALSE;
}

static const HerdStep steps[] = {
  { "bus", enter_bus, leave_bus, HERD_COMMIT_NONE },
  { "authority", enter_authority, leave_authority, HERD_COMMIT_NONE },
  { "check", enter_check, leave_check, HERD_COMMIT_NONE },
  { "done", NULL, NULL, HERD_COMMIT_NONE },
};

/* --- the end --- */

/* Whatever is not an answer denies. */
static GError *
new_failure (const Question *question, const GError *error)
{
  g_autoptr (GError) reason = g_error_copy (error);

  if (question->gone)
    return g_error_new (HERD_ERROR, HERD_ERROR_CANCELLED, "the caller has gone");
  if (question->late)
    return g_error_new (HERD_ERROR, HERD_ERROR_NOT_AUTHORIZED,
                        "%s: polkit has not answered in time; see whether it runs, or call as root",
                        question->action);
  if (error->domain == HERD_ERROR || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
      || herd_authorizer_wants_interaction (error))
    return g_steal_pointer (&reason);
  g_dbus_error_strip_remote_error (reason);
  return g_error_new (HERD_ERROR, HERD_ERROR_NOT_AUTHORIZED,
                      "%s: polkit cannot be asked (%s); see whether it runs, or call as root",
                      question->action, reason->message);
}

static void
finished (gpointer operation, const GError *error)
{
  Question *question = operation;

  if (error == NULL)
    g_task_return_boolean (question->task, TRUE);
  else
    g_task_return_error (question->task, new_failure (question, error));
  question_free (question);
}

static const HerdRunOps operations = { .finished = finished };

static void
on_late (gpointer data)
{
  Question *question = data;

  question->timer = 0;
  question->late = TRUE;
  herd_run_cancel (question->run);
}

static void
on_gone (GDBusConnection *connection G_GNUC_UNUSED, const char *sender G_GNUC_UNUSED,
         const char *path G_GNUC_UNUSED, const char *interface G_GNUC_UNUSED,
         const char *signal G_GNUC_UNUSED, GVariant *parameters, gpointer data)
{
  Question *question = data;
  const char *owner;

  g_variant_get (parameters, "(&s&s&s)", NULL, NULL, &owner);
  if (*owner != '\0')
    return;
  question->gone = TRUE;
  herd_run_cancel (question->run);
}

/* --- the beginning --- */

/* What a person is asked: agents do not get the details, but polkit puts them in for $(KEY). Where
 * there is no row, or no detail for it, the message of org.certherd.policy is shown. */
static const char *
find_message (const char *action, const HerdDetails *details)
{
  const struct {
    const char *action;
    const char *needed;
    const char *message;
  } messages[] = {
    { "request", details->identifiers,
      "Authentication is required to request the certificate $(certificate) for $(identifiers)." },
    { "manage", details->identifiers,
      "Authentication is required to change the certificate $(certificate) for $(identifiers), "
      "which belongs to user $(owner)." },
    { "manage-own", details->identifiers,
      "Authentication is required to change the certificate $(certificate) for $(identifiers)." },
    { "renew", details->identifiers,
      "Authentication is required to renew the certificate $(certificate) for $(identifiers)." },
    { "read-key", details->identifiers,
      "Authentication is required to read the private key of the certificate $(certificate) for "
      "$(identifiers)." },
    { "deliver", details->targets,
      "Authentication is required to receive the keys of certificates in the name of the target "
      "$(targets)." },
    { "manage-issuers", details->directory_url,
      "Authentication is required to change the certificate authority $(issuer) at "
      "$(directory-url)." },
  };

  for (guint i = 0; i < G_N_ELEMENTS (messages); i++) {
    if (messages[i].needed != NULL && g_str_equal (messages[i].action, action))
      return messages[i].message;
  }
  return NULL;
}

static PolkitDetails *
new_details (const char *action, const HerdDetails *from)
{
  PolkitDetails *details = polkit_details_new ();
  const struct {
    const char *key;
    const char *value;
  } rows[] = {
    { "certificate", from->certificate },
    { "identifiers", from->identifiers },
    { "owner", from->owner },
    { "caller-is-owner", from->caller_is_owner },
    { "issuer", from->issuer },
    { "targets", from->targets },
    { "readers", from->readers },
    { "patterns", from->patterns },
    { "directory-url", from->directory_url },
    { "contact", from->contact },
    { "agree-terms", from->agree_terms },
    { "trust", from->trust },
    { "polkit.message", find_message (action, from) },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    if (rows[i].value != NULL)
      polkit_details_insert (details, rows[i].key, rows[i].value);
  }
  return details;
}

static void
ask (HerdAuthorizer *authorizer, const HerdQuestion *from, GTask *task)
{
  Polkit *polkit = (Polkit *) authorizer;
  Question *question = g_new0 (Question, 1);

  polkit->references++;
  question->polkit = polkit;
  question->task = task;
  question->subject = polkit_system_bus_name_new (from->sender);
  question->details = new_details (from->action, from->details);
  question->action = g_strconcat ("org.certherd.", from->action, NULL);
  question->uid = from->uid;
  question->interactive = from->interactive;
  /* Without a dialog the answer comes sooner than anybody goes. */
  if (from->interactive)
    question->watch = g_dbus_connection_signal_subscribe (
        polkit->connection, "org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged",
        "/org/freedesktop/DBus", from->sender, G_DBUS_SIGNAL_FLAGS_NONE, on_gone, question, NULL);
  question->timer = herd_clock_arm (
      polkit->clock, from->interactive ? TIME_OF_PEOPLE : TIME_OF_RULES, on_late, question);
  g_hash_table_add (polkit->questions, question);
  question->run = herd_run_new ("polkit", steps, G_N_ELEMENTS (steps), &operations, question,
                                polkit->clock, NULL);
  herd_run_start (question->run, NULL);
}

static void
give_up (HerdAuthorizer *authorizer)
{
  Polkit *polkit = (Polkit *) authorizer;
  g_autoptr (GList) questions = g_hash_table_get_keys (polkit->questions);

  for (GList *item = questions; item != NULL; item = item->next)
    herd_run_cancel (((Question *) item->data)->run);
  polkit_unref (polkit);
}

HerdAuthorizer *
herd_authorizer_new_polkit (GDBusConnection *connection, HerdClock *clock)
{
  static const HerdAuthorizerKind kind = { ask, give_up };
  Polkit *polkit = g_new0 (Polkit, 1);

  polkit->parent.kind = &kind;
  polkit->parent.trusted = 0;
  polkit->references = 1;
  polkit->connection = g_object_ref (connection);
  polkit->clock = herd_clock_ref (clock);
  polkit->questions = g_hash_table_new (NULL, NULL);
  return &polkit->parent;
}
