// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Following an operation: its steps as they happen, its end, an agent that goes away and comes back
 * meanwhile (an operation survives that). Signals are subscribed to before the state is read, so
 * that nothing falls between. Owned by certherdctl; one thread.
 */
#include <glib-unix.h>
#include <glib/gi18n.h>

#include "ctl/output.h"

/* How long an agent that restarts may be away. */
#define AWAY_SECONDS 30
/* From when on a step is worth a line, whatever it is. */
#define QUIET_LIMIT G_USEC_PER_SEC

typedef struct {
  HerdCtl *ctl;
  const char *path;
  const char *name;
  GMainLoop *loop;
  GVariant *properties; /* a{sv}, as last seen; NULL: not yet */
  guint shown;          /* steps whose end was printed */
  gboolean unfinished_line;
  guint away; /* the timer; 0: the agent is there */
  gboolean interrupted;
  GError *error; /* it cannot be followed */
} Follow;

/* ---- steps --------------------------------------------------------------------------------- */

typedef struct {
  const char *name;
  const char *description;
  gboolean quiet; /* not worth a line unless it takes long */
} Step;

static const Step known_steps[] = {
  { "queue", N_ ("waiting for its turn"), TRUE },
  { "load", N_ ("reading what is known of the account"), TRUE },
  { "choose", N_ ("choosing an issuer"), TRUE },
  { "rehearse", N_ ("rehearsing where mistakes cost nothing") },
  { "account", N_ ("creating or finding the account"), TRUE },
  { "prepare", N_ ("asking the CA what it offers"), TRUE },
  { "search", N_ ("looking for an order that was begun"), FALSE },
  { "resume", N_ ("going on with the order"), FALSE },
  { "key", N_ ("making the private key"), FALSE },
  { "new-order", N_ ("ordering from the CA"), FALSE },
  { "authorize", N_ ("asking what proves control of the names"), FALSE },
  { "present", N_ ("putting the proof where the CA looks"), FALSE },
  { "respond", N_ ("telling the CA to look"), FALSE },
  { "ready", N_ ("waiting for the CA to be convinced"), FALSE },
  { "finalize", N_ ("sending the certificate request"), FALSE },
  { "valid", N_ ("waiting for the CA to sign"), FALSE },
  { "download", N_ ("fetching and checking the certificate"), FALSE },
  { "explain", N_ ("asking the CA why it failed"), FALSE },
  { "cleanup", N_ ("taking the proof away"), FALSE },
  { "save", N_ ("storing key and certificate, sealed"), FALSE },
  { "replace", N_ ("replacing the certificate first"), FALSE },
  { "revoke", N_ ("telling the CA"), FALSE },
  { "deliver", N_ ("delivering to the targets"), FALSE },
  { "keep-key", N_ ("storing the account's key, sealed"), FALSE },
  { "find", N_ ("finding the account again"), FALSE },
  { "register", N_ ("creating the account"), FALSE },
  { "keep", N_ ("storing the account"), FALSE },
  { "directory", N_ ("asking the CA"), FALSE },
  { "names", N_ ("asking the DNS about the names"), FALSE },
  { "look", N_ ("looking at it, from here"), FALSE },
  { "withdraw", N_ ("taking the proof away"), TRUE },
  { "settle", N_ ("finding out which key the account has"), TRUE },
  { "binding", N_ ("reading the external account binding"), TRUE },
  { "update", N_ ("telling the CA the contacts"), FALSE },
  { "drop", N_ ("dropping what is not needed any more"), TRUE },
  { "turn", N_ ("waiting for issuances to end"), TRUE },
  { "change", N_ ("telling the CA the new key"), FALSE },
  { "probe", N_ ("finding out which key the account has"), TRUE },
  { "adopt", N_ ("storing the account's key, sealed"), FALSE },
  { "send", N_ ("telling the CA"), FALSE },
  { "end", N_ ("ending"), TRUE },
};

static const Step *
find_step (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (known_steps); i++) {
    if (g_str_equal (known_steps[i].name, name))
      return &known_steps[i];
  }
  return NULL;
}

const char *
herd_ctl_step_describe (const char *name)
{
  const Step *step = find_step (name);
  return step != NULL ? _ (step->description) : name;
}

/* Steps that wait for nothing in most runs are not worth a line in those. */
static gboolean
is_worth_a_line (GVariant *step)
{
  const Step *known = find_step (herd_ctl_get_text (step, "name"));
  gint64 entered = herd_ctl_get_int64 (step, "entered");
  gint64 left = herd_ctl_get_int64 (step, "left");
  return known == NULL || !known->quiet || left - entered >= QUIET_LIMIT;
}

static void
print_step (Follow *follow, GVariant *step)
{
  g_autofree char *name = herd_ctl_clean (herd_ctl_get_text (step, "name"));
  gint64 left = herd_ctl_get_int64 (step, "left");
  gint64 took = left - herd_ctl_get_int64 (step, "entered");
  const char *again = follow->unfinished_line ? "\r\033[K" : "";
  follow->unfinished_line = left == 0;
  g_print ("%s  %-10s  %s", again, name, herd_ctl_step_describe (name));
  if (left == 0)
    g_print (" …");
  else if (took < G_USEC_PER_SEC)
    g_print (", %d ms\n", (int) (took / 1000));
  else
    g_print (", %.1f s\n", (double) took / G_USEC_PER_SEC);
}

/* Prints the steps that ended since the last time; on a terminal the running one too. */
static void
print_steps (Follow *follow)
{
  g_autoptr (GVariant) steps = NULL;
  if (follow->ctl->json)
    return;
  steps = g_variant_lookup_value (follow->properties, "Steps", G_VARIANT_TYPE ("aa{sv}"));
  gsize count = steps != NULL ? g_variant_n_children (steps) : 0;
  for (; follow->shown < count; follow->shown++) {
    g_autoptr (GVariant) step = g_variant_get_child_value (steps, follow->shown);
    gboolean runs = herd_ctl_get_int64 (step, "left") == 0;
    if (runs ? follow->ctl->terminal : is_worth_a_line (step))
      print_step (follow, step);
    if (runs)
      return;
  }
}

static gboolean
has_ended (const Follow *follow)
{
  const char *state = herd_ctl_get_text (follow->properties, "State");
  return follow->properties != NULL && !g_str_equal (state, "running");
}

/* ---- the agent's signals ------------------------------------------------------------------- */

static void
read_state (Follow *follow)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant)
      properties = herd_ctl_get_all (follow->ctl, follow->path, HERD_CTL_OPERATION, &error);
  if (properties == NULL && follow->away != 0)
    return;
  if (properties == NULL) {
    follow->error = g_steal_pointer (&error);
    g_main_loop_quit (follow->loop);
    return;
  }
  g_clear_pointer (&follow->properties, g_variant_unref);
  follow->properties = g_steal_pointer (&properties);
  print_steps (follow);
  if (has_ended (follow))
    g_main_loop_quit (follow->loop);
}

static void
on_changed (GDBusConnection *connection, const char *sender, const char *path,
            const char *interface, const char *signal, GVariant *parameters, gpointer data)
{
  Follow *follow = data;
  if (!g_main_loop_is_running (follow->loop) || has_ended (follow) || follow->error != NULL)
    return;
  read_state (follow);
}

static gboolean
on_away_too_long (gpointer data)
{
  Follow *follow = data;
  follow->away = 0;
  follow->error = g_error_new (G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER,
                               _ ("%s: the agent went away; the operation goes on when it is back"),
                               follow->name);
  g_main_loop_quit (follow->loop);
  return G_SOURCE_REMOVE;
}

static void
on_agent_there (GDBusConnection *connection, const char *bus_name, const char *owner, gpointer data)
{
  Follow *follow = data;
  g_clear_handle_id (&follow->away, g_source_remove);
  if (!has_ended (follow) && follow->error == NULL)
    read_state (follow);
}

static void
on_agent_gone (GDBusConnection *connection, const char *bus_name, gpointer data)
{
  Follow *follow = data;
  if (follow->away == 0)
    follow->away = g_timeout_add_seconds (AWAY_SECONDS, on_away_too_long, follow);
}

static gboolean
on_interrupt (gpointer data)
{
  Follow *follow = data;
  follow->interrupted = TRUE;
  g_main_loop_quit (follow->loop);
  return G_SOURCE_CONTINUE;
}

/* ---- following ----------------------------------------------------------------------------- */

static void
run (Follow *follow)
{
  GDBusConnection *connection = follow->ctl->connection;
  guint interrupt = g_unix_signal_add (SIGINT, on_interrupt, follow);
  guint terminate = g_unix_signal_add (SIGTERM, on_interrupt, follow);
  guint changes = g_dbus_connection_signal_subscribe (connection, HERD_CTL_BUS_NAME, NULL, NULL,
                                                      follow->path, NULL, G_DBUS_SIGNAL_FLAGS_NONE,
                                                      on_changed, follow, NULL);
  /* Says at once whether the agent is there: that reads the state for the first time. */
  guint watch = g_bus_watch_name_on_connection (connection, HERD_CTL_BUS_NAME,
                                                G_BUS_NAME_WATCHER_FLAGS_NONE, on_agent_there,
                                                on_agent_gone, follow, NULL);
  g_main_loop_run (follow->loop);
  g_bus_unwatch_name (watch);
  g_dbus_connection_signal_unsubscribe (connection, changes);
  g_clear_handle_id (&follow->away, g_source_remove);
  g_source_remove (terminate);
  g_source_remove (interrupt);
  if (follow->unfinished_line)
    g_print ("\n");
}

static HerdCtlStatus
conclude (const Follow *follow)
{
  if (follow->error != NULL)
    return herd_ctl_fail (follow->ctl, follow->error);
  if (!has_ended (follow)) {
    g_printerr (_ ("Stopped waiting for %s; the operation goes on. "
                   "\"certherdctl show\" says how far it is.\n"),
                follow->name);
    return HERD_CTL_CANCELLED;
  }
  const char *state = herd_ctl_get_text (follow->properties, "State");
  if (g_str_equal (state, "done"))
    return HERD_CTL_OK;
  return g_str_equal (state, "cancelled") ? HERD_CTL_CANCELLED : HERD_CTL_OPERATION_FAILED;
}

HerdCtlStatus
herd_ctl_follow (HerdCtl *ctl, const char *operation, const char *name, GVariant **properties)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Follow follow = { .ctl = ctl, .path = operation, .name = name, .loop = loop };
  run (&follow);
  HerdCtlStatus status = conclude (&follow);
  g_clear_error (&follow.error);
  ctl->now = g_get_real_time () / G_USEC_PER_SEC;
  *properties = g_steal_pointer (&follow.properties);
  return status;
}

/* Does MESSAGE say the word NAME already? Both are as names and messages of the agent are. */
static gboolean
says_name (const char *message, const char *name)
{
  g_autofree char *escaped = g_regex_escape_string (name, -1);
  g_autofree char *pattern = g_strdup_printf ("(?<![\\w.-])%s(?![\\w.-])", escaped);

  return g_regex_match_simple (pattern, message, 0, 0);
}

static gboolean
is_of_ca (GVariant *finding)
{
  return g_str_equal (herd_ctl_get_text (finding, "check"), "ca");
}

/* Those of the CA's words, or the others, below TITLE; fewer than LEAST are not worth it. */
static void
report_some (GVariant *findings, gboolean of_ca, guint least, const char *title)
{
  g_autoptr (GString) text = g_string_new (NULL);
  guint n = 0;
  for (gsize i = 0; i < g_variant_n_children (findings); i++) {
    g_autoptr (GVariant) finding = g_variant_get_child_value (findings, i);
    if (is_of_ca (finding) != of_ca)
      continue;
    g_autofree char *subject = herd_ctl_format_subject (finding);
    g_autofree char *label = herd_ctl_clean (subject);
    g_autofree char *message = herd_ctl_clean (herd_ctl_get_text (finding, "message"));
    g_string_append_printf (text, "  %s%s%s\n", label, *label != '\0' ? ": " : "", message);
    n++;
  }
  if (n >= least)
    g_printerr ("%s%s", title, text->str);
}

/* What the CA said of several names, of which the message has the first ones; what an earlier check warned
 * of. */
static void
report_findings (GVariant *properties)
{
  g_autoptr (GVariant) findings = herd_ctl_get_findings (properties);
  report_some (findings, TRUE, 2, _ ("The CA says:\n"));
  report_some (findings, FALSE, 1, _ ("The last check had warned:\n"));
}

void
herd_ctl_report_failure (HerdCtl *ctl, const char *name, GVariant *properties)
{
  const char *error = herd_ctl_get_text (properties, "Error");
  const char *message = herd_ctl_get_text (properties, "ErrorMessage");
  g_autofree char *clean = herd_ctl_clean (*message != '\0' ? message : error);
  if (g_str_equal (herd_ctl_get_text (properties, "State"), "cancelled") && *clean == '\0')
    g_printerr (_ ("certherdctl: %s: cancelled\n"), name);
  else if (says_name (clean, name))
    g_printerr ("certherdctl: %s\n", clean);
  else
    g_printerr ("certherdctl: %s: %s\n", name, clean);
  report_findings (properties);
}
