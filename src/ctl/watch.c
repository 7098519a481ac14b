// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The command watch: what happens, as it happens: new generations, attentions, the steps and ends of
 * operations, the agent going and coming. Until SIGINT. With --json one object for each line, with
 * "time" (seconds) and "event". Owned by certherdctl; one thread.
 */
#include <glib-unix.h>
#include <glib/gi18n.h>

#include "ctl/output.h"

/* Operations and names that are remembered at most; past it we begin anew. */
#define REMEMBERED 1000

typedef struct {
  HerdCtl *ctl;
  GMainLoop *loop;
  GHashTable *names; /* object path → name */
  GHashTable *steps; /* operation's path → how many of its steps were said */
} Watch;

/* ---- saying -------------------------------------------------------------------------------- */

/* One event: OBJECT (taken) for programs, the text for people. */
static void
say (Watch *watch, const char *event, JsonObject *object, HerdCtlColour colour, const char *text)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  if (watch->ctl->json) {
    json_object_set_int_member (object, "time", g_date_time_to_unix (now));
    json_object_set_string_member (object, "event", event);
    herd_ctl_json_print_object (object, TRUE);
    return;
  }
  json_object_unref (object);
  g_autofree char *time = g_date_time_format (now, "%H:%M:%S");
  g_autofree char *clean = herd_ctl_clean (text);
  g_print ("%s  %s%s%s\n", time, herd_ctl_colour_on (watch->ctl, colour), clean,
           herd_ctl_colour_off (watch->ctl, colour));
}

/* What the certificate or issuer at PATH is called; its path where nobody knows. */
static const char *
get_name (Watch *watch, const char *path)
{
  const char *known = g_hash_table_lookup (watch->names, path);
  if (known != NULL)
    return known;
  if (g_hash_table_size (watch->names) >= REMEMBERED)
    g_hash_table_remove_all (watch->names);
  char *name = herd_ctl_get_string (watch->ctl, path, HERD_CTL_CERTIFICATE, "Name");
  if (name == NULL)
    name = herd_ctl_get_string (watch->ctl, path, HERD_CTL_ISSUER, "Name");
  if (name == NULL)
    name = g_strdup (path);
  g_hash_table_insert (watch->names, g_strdup (path), name);
  return name;
}

/* ---- operations ---------------------------------------------------------------------------- */

static void
say_step (Watch *watch, const char *operation, const char *name, const char *step)
{
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "name", name);
  json_object_set_string_member (object, "operation", operation);
  json_object_set_string_member (object, "step", step);
  g_autofree char *text = g_strdup_printf ("%s: %s: %s", name, step, herd_ctl_step_describe (step));
  say (watch, "step", object, HERD_CTL_PLAIN, text);
}

static void
say_end (Watch *watch, const char *operation, const char *name, GVariant *properties)
{
  const char *state = herd_ctl_get_text (properties, "State");
  const char *message = herd_ctl_get_text (properties, "ErrorMessage");
  JsonObject *object = herd_ctl_json_new (properties);
  json_object_set_string_member (object, "name", name);
  json_object_set_string_member (object, "operation", operation);
  g_autofree char *text = g_strdup_printf ("%s: %s %s%s%s", name,
                                           herd_ctl_get_text (properties, "Kind"), state,
                                           *message != '\0' ? ": " : "", message);
  say (watch, "finished", object, herd_ctl_state_colour (state), text);
}

/* Says what is new of the operation at PATH: its steps are all in its properties, so that none is
 * missed where several changes came as one. */
static void
update_operation (Watch *watch, const char *path, gboolean ended)
{
  g_autoptr (GVariant) properties = herd_ctl_get_all (watch->ctl, path, HERD_CTL_OPERATION, NULL);
  if (properties == NULL)
    return;
  const char *name = get_name (watch, herd_ctl_get_text (properties, "Object"));
  g_autoptr (GVariant)
      steps = g_variant_lookup_value (properties, "Steps", G_VARIANT_TYPE ("aa{sv}"));
  gsize count = steps != NULL ? g_variant_n_children (steps) : 0;
  gsize said = GPOINTER_TO_SIZE (g_hash_table_lookup (watch->steps, path));
  for (; said < count; said++) {
    g_autoptr (GVariant) step = g_variant_get_child_value (steps, said);
    say_step (watch, path, name, herd_ctl_get_text (step, "name"));
  }
  if (ended) {
    say_end (watch, path, name, properties);
    g_hash_table_remove (watch->steps, path);
    return;
  }
  if (g_hash_table_size (watch->steps) >= REMEMBERED)
    g_hash_table_remove_all (watch->steps);
  g_hash_table_insert (watch->steps, g_strdup (path), GSIZE_TO_POINTER (count));
}

/* ---- signals ------------------------------------------------------------------------------- */

static void
say_updated (Watch *watch, GVariant *parameters)
{
  const char *path, *name, *fingerprint;
  guint64 generation;
  g_variant_get (parameters, "(&o&st&s)", &path, &name, &generation, &fingerprint);
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "path", path);
  json_object_set_string_member (object, "name", name);
  json_object_set_int_member (object, "generation", (gint64) generation);
  json_object_set_string_member (object, "fingerprint", fingerprint);
  g_autofree char *number = g_strdup_printf ("%" G_GUINT64_FORMAT, generation);
  g_autofree char *text = g_strdup_printf (_ ("%s: generation %s is current"), name, number);
  say (watch, "updated", object, HERD_CTL_GOOD, text);
}

static void
say_attention (Watch *watch, GVariant *parameters)
{
  const char *path, *severity, *code, *message;
  g_variant_get (parameters, "(&o&s&s&s)", &path, &severity, &code, &message);
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "path", path);
  json_object_set_string_member (object, "severity", severity);
  json_object_set_string_member (object, "code", code);
  json_object_set_string_member (object, "message", message);
  g_autofree char *text = g_strdup_printf ("%s: %s", severity, message);
  say (watch, "attention", object, HERD_CTL_BAD, text);
}

static void
on_signal (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
           const char *signal, GVariant *parameters, gpointer data)
{
  Watch *watch = data;
  if (g_str_equal (interface, HERD_CTL_AGENT) && g_str_equal (signal, "CertificateUpdated")
      && g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(osts)")))
    say_updated (watch, parameters);
  else if (g_str_equal (interface, HERD_CTL_AGENT) && g_str_equal (signal, "Attention")
           && g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(osss)")))
    say_attention (watch, parameters);
  else if (g_str_equal (interface, HERD_CTL_OPERATION) && g_str_equal (signal, "Finished"))
    update_operation (watch, path, TRUE);
  else if (g_str_equal (signal, "PropertiesChanged")
           && g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(sa{sv}as)"))) {
    const char *changed;
    g_variant_get_child (parameters, 0, "&s", &changed);
    if (g_str_equal (changed, HERD_CTL_OPERATION))
      update_operation (watch, path, FALSE);
  }
}

static void
on_agent_there (GDBusConnection *connection, const char *name, const char *owner, gpointer data)
{
  say (data, "agent-there", json_object_new (), HERD_CTL_PLAIN, _ ("the agent is there"));
}

static void
on_agent_gone (GDBusConnection *connection, const char *name, gpointer data)
{
  say (data, "agent-gone", json_object_new (), HERD_CTL_BAD, _ ("the agent is not there"));
}

static gboolean
on_interrupt (gpointer data)
{
  Watch *watch = data;
  g_main_loop_quit (watch->loop);
  return G_SOURCE_CONTINUE;
}

HerdCtlStatus
herd_ctl_watch (HerdCtl *ctl)
{
  g_autoptr (GError) error = NULL;
  if (!herd_ctl_parse (ctl, NULL, N_ ("Prints what happens, as it happens, until it is stopped."),
                       0, &error)
      || !herd_ctl_connect (ctl, &error))
    return herd_ctl_fail (ctl, error);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GHashTable) steps = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Watch watch = { .ctl = ctl, .loop = loop, .names = names, .steps = steps };
  guint interrupt = g_unix_signal_add (SIGINT, on_interrupt, &watch);
  guint terminate = g_unix_signal_add (SIGTERM, on_interrupt, &watch);
  guint signals = g_dbus_connection_signal_subscribe (ctl->connection, HERD_CTL_BUS_NAME, NULL,
                                                      NULL, NULL, NULL, G_DBUS_SIGNAL_FLAGS_NONE,
                                                      on_signal, &watch, NULL);
  guint name = g_bus_watch_name_on_connection (ctl->connection, HERD_CTL_BUS_NAME,
                                               G_BUS_NAME_WATCHER_FLAGS_NONE, on_agent_there,
                                               on_agent_gone, &watch, NULL);
  g_main_loop_run (loop);
  g_bus_unwatch_name (name);
  g_dbus_connection_signal_unsubscribe (ctl->connection, signals);
  g_source_remove (terminate);
  g_source_remove (interrupt);
  return HERD_CTL_OK;
}
