// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * adapter-unit: reloads or restarts a systemd unit, and waits until systemd says how that ended; before
 * it, writes the files if the target has a path. Starts stay below the unit's own limit of them. Loaded
 * by certherd-deliver; blocking.
 */
#include "base.h"
#include "plugin/error.h"
#include "plugin/plugin.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER SYSTEMD ".Manager"
#define SYSTEMD_UNIT SYSTEMD ".Unit"

/* A little more than systemd's own DefaultTimeoutStartSec, so that its result is seen. */
#define TIMEOUT_DEFAULT 100
#define CALL_TIMEOUT 25000 /* ms */
/* A start that would have to wait longer for its turn is left to another pass. */
#define TURN_PATIENCE (60 * G_USEC_PER_SEC)
#define STARTS_KEPT 32

#define HERD_TYPE_ADAPTER_UNIT (herd_adapter_unit_get_type ())
G_DECLARE_FINAL_TYPE (HerdAdapterUnit, herd_adapter_unit, HERD, ADAPTER_UNIT, GObject)

struct _HerdAdapterUnit {
  HerdAdapterBase base;
  const char *method;          /* of the Manager */
  gint64 timeout;              /* seconds */
  gboolean starts;             /* the latest activation started the unit, and did not reload it */
  gboolean went_back;          /* since the latest install: what comes next worked before */
  gint64 started[STARTS_KEPT]; /* when (µs, monotonic), of starts that systemd counts: a ring */
  guint n_started;
};

static void herd_adapter_unit_iface_init (HerdAdapterInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (HerdAdapterUnit, herd_adapter_unit, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HERD_TYPE_ADAPTER,
                                                      herd_adapter_unit_iface_init))

#define RELOAD "ReloadUnit"
#define RESTART "RestartUnit"

static const struct {
  const char *action;
  const char *method;
} actions[] = {
  { "reload", RELOAD },
  { "restart", RESTART },
  { "reload-or-restart", "ReloadOrRestartUnit" },
};

/* What systemd says of a unit. */
typedef struct {
  gboolean active;
  GVariant *invocation; /* its id of the latest start */
  guint64 interval;     /* µs: in it there may be ... */
  guint burst;          /* ... so many starts; 0 = any number */
} UnitState;

/* One activation: a connection of our own, and the jobs that ended since. */
typedef struct {
  HerdAdapterUnit *adapter;
  const char *unit;
  GMainContext *context;
  GDBusConnection *connection;
  guint subscription;
  char *owner;       /* systemd's unique name: nobody else can send us a job's end */
  char *job;         /* of ours; NULL until systemd said */
  GHashTable *ended; /* job to result */
  gboolean overdue;
} Activation;

static gboolean
unit_check (HerdAdapter *adapter, GError **error)
{
  HerdAdapterUnit *self = HERD_ADAPTER_UNIT (adapter);
  const char *unit = herd_adapter_base_get (&self->base, "unit");
  const char *action = herd_adapter_base_get (&self->base, "action");

  if (unit == NULL || !g_regex_match_simple ("^[A-Za-z0-9:_.\\\\@-]{1,240}\\.[a-z]+$", unit, 0, 0))
    return herd_adapter_base_fail (&self->base, "unit",
                                   "a unit's name such as nginx.service is "
                                   "needed",
                                   error);
  self->method = NULL;
  for (guint i = 0; i < G_N_ELEMENTS (actions); i++) {
    if (g_str_equal (action != NULL ? action : "reload", actions[i].action))
      self->method = actions[i].method;
  }
  if (self->method == NULL)
    return herd_adapter_base_fail (&self->base, "action",
                                   "it is reload, restart or reload-or-restart", error);
  return herd_adapter_base_check_timeout (&self->base, TIMEOUT_DEFAULT, &self->timeout, error)
         && herd_adapter_base_check_output (&self->base, FALSE, error);
}

/* --- systemd --- */

static void
activation_clear (Activation *activation)
{
  if (activation->subscription != 0)
    g_dbus_connection_signal_unsubscribe (activation->connection, activation->subscription);
  if (activation->connection != NULL)
    g_dbus_connection_close_sync (activation->connection, NULL, NULL);
  g_clear_object (&activation->connection);
  g_clear_pointer (&activation->ended, g_hash_table_unref);
  g_free (activation->owner);
  g_free (activation->job);
  if (activation->context != NULL) {
    g_main_context_pop_thread_default (activation->context);
    g_main_context_unref (activation->context);
  }
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Activation, activation_clear)

static void
on_job_removed (GDBusConnection *connection, const char *sender, const char *path,
                const char *interface, const char *member, GVariant *parameters, gpointer data)
{
  Activation *activation = data;
  const char *job, *result;

  if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(uoss)")))
    return;
  g_variant_get (parameters, "(u&o&s&s)", NULL, &job, NULL, &result);
  g_hash_table_insert (activation->ended, g_strdup (job), g_strdup (result));
}

static gboolean
activation_connect (Activation *activation, GError **error)
{
  const char *bus = herd_adapter_base_get (&activation->adapter->base, "bus");
  GBusType type = bus != NULL && g_str_equal (bus, "session") ? G_BUS_TYPE_SESSION
                                                              : G_BUS_TYPE_SYSTEM;
  g_autofree char *address = g_dbus_address_get_for_bus_sync (type, NULL, error);

  if (address != NULL)
    activation->connection = g_dbus_connection_new_for_address_sync (
        address,
        G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
            | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
        NULL, NULL, error);
  if (activation->connection != NULL)
    return TRUE;
  herd_error_translate (error, HERD_ERROR_UNREACHABLE,
                        "unit %s: the bus to systemd does not answer; is dbus running?",
                        activation->unit);
  return FALSE;
}

static GVariant *
call_systemd (Activation *activation, const char *method, GVariant *parameters, const char *reply,
              GError **error)
{
  return g_dbus_connection_call_sync (activation->connection, SYSTEMD, SYSTEMD_PATH,
                                      SYSTEMD_MANAGER, method, parameters, G_VARIANT_TYPE (reply),
                                      G_DBUS_CALL_FLAGS_NONE, CALL_TIMEOUT, NULL, error);
}

/* systemd sends the ends of jobs only to those who asked for them. */
static gboolean
activation_subscribe (Activation *activation, GError **error)
{
  g_autoptr (GVariant) owner = NULL;
  g_autoptr (GVariant) subscribed = call_systemd (activation, "Subscribe", NULL, "()", error);

  if (subscribed != NULL)
    owner = g_dbus_connection_call_sync (activation->connection, "org.freedesktop.DBus", "/",
                                         "org.freedesktop.DBus", "GetNameOwner",
                                         g_variant_new ("(s)", SYSTEMD), G_VARIANT_TYPE ("(s)"),
                                         G_DBUS_CALL_FLAGS_NONE, CALL_TIMEOUT, NULL, error);
  if (owner == NULL) {
    herd_error_translate (error, HERD_ERROR_UNREACHABLE, "unit %s: systemd does not answer",
                          activation->unit);
    return FALSE;
  }
  g_variant_get (owner, "(s)", &activation->owner);
  activation->subscription = g_dbus_connection_signal_subscribe (
      activation->connection, activation->owner, SYSTEMD_MANAGER, "JobRemoved", SYSTEMD_PATH, NULL,
      G_DBUS_SIGNAL_FLAGS_NONE, on_job_removed, activation, NULL);
  return TRUE;
}

/* What systemd answered instead of a job; takes ERROR. */
static GError *
explain_refusal (Activation *activation, GError *error)
{
  g_autofree char *name = g_dbus_error_get_remote_error (error);

  g_dbus_error_strip_remote_error (error);
  if (g_strcmp0 (name, SYSTEMD ".NoSuchUnit") == 0)
    herd_error_translate (&error, HERD_ERROR_NOT_FOUND,
                          "unit %s: there is none of that name; correct the target's unit",
                          activation->unit);
  else if (g_strcmp0 (name, SYSTEMD ".JobTypeNotApplicable") == 0)
    herd_error_translate (&error, HERD_ERROR_INVALID_ARGUMENT,
                          "unit %s cannot be reloaded; set the target's action to restart",
                          activation->unit);
  else if (name == NULL || g_str_equal (name, "org.freedesktop.DBus.Error.NoReply"))
    herd_error_translate (&error, HERD_ERROR_UNREACHABLE, "unit %s: systemd does not answer",
                          activation->unit);
  else
    herd_error_translate (&error, HERD_ERROR_REFUSED,
                          "unit %s: systemd refused; see: journalctl -u %s", activation->unit,
                          activation->unit);
  return error;
}

static gboolean
activation_begin (Activation *activation, GError **error)
{
  GError *refusal = NULL;
  g_autoptr (GVariant)
      reply = call_systemd (activation, activation->adapter->method,
                            g_variant_new ("(ss)", activation->unit, "replace"), "(o)", &refusal);

  if (reply == NULL) {
    g_propagate_error (error, explain_refusal (activation, refusal));
    return FALSE;
  }
  g_variant_get (reply, "(o)", &activation->job);
  return TRUE;
}

/* --- starts --- */

static void
unit_state_clear (UnitState *state)
{
  g_clear_pointer (&state->invocation, g_variant_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (UnitState, unit_state_clear)

static gboolean
read_state (Activation *activation, UnitState *state, GError **error)
{
  g_autoptr (GVariant) unit = call_systemd (activation, "LoadUnit",
                                            g_variant_new ("(s)", activation->unit), "(o)", error);
  g_autoptr (GVariant) reply = NULL;
  g_autoptr (GVariant) properties = NULL;
  const char *path, *active = "";

  if (unit != NULL) {
    g_variant_get (unit, "(&o)", &path);
    reply = g_dbus_connection_call_sync (
        activation->connection, SYSTEMD, path, "org.freedesktop.DBus.Properties", "GetAll",
        g_variant_new ("(s)", SYSTEMD_UNIT), G_VARIANT_TYPE ("(a{sv})"), G_DBUS_CALL_FLAGS_NONE,
        CALL_TIMEOUT, NULL, error);
  }
  if (reply == NULL) {
    herd_error_translate (error, HERD_ERROR_UNREACHABLE,
                          "unit %s: systemd does not say what state it is in", activation->unit);
    return FALSE;
  }
  properties = g_variant_get_child_value (reply, 0);
  g_variant_lookup (properties, "ActiveState", "&s", &active);
  state->active = g_str_equal (active, "active") || g_str_equal (active, "reloading");
  state->invocation = g_variant_lookup_value (properties, "InvocationID", G_VARIANT_TYPE ("ay"));
  g_variant_lookup (properties, "StartLimitIntervalUSec", "t", &state->interval);
  g_variant_lookup (properties, "StartLimitBurst", "u", &state->burst);
  return TRUE;
}

/* How long (µs) until one start more leaves room for one of somebody else's. */
static gint64
get_delay (const HerdAdapterUnit *self, const UnitState *state, gint64 now)
{
  guint most = CLAMP (state->burst, 2, STARTS_KEPT) - 1;
  gint64 oldest;

  if (state->burst == 0 || state->interval == 0 || self->n_started < most)
    return 0;
  oldest = self->started[(self->n_started - most) % STARTS_KEPT];
  if (state->interval > (guint64) (G_MAXINT64 - oldest))
    return G_MAXINT64;
  return MAX (oldest + (gint64) state->interval - now, 0);
}

/* systemd counts anew, and what is about to be started is what was running. */
static void
reset_failed (Activation *activation)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = call_systemd (activation, "ResetFailedUnit",
                                             g_variant_new ("(s)", activation->unit), "()", &error);

  if (reply != NULL)
    activation->adapter->n_started = 0;
  else
    g_printerr ("certherd-deliver: unit %s: %s\n", activation->unit, error->message);
}

/* Before the job: makes room for the start, if it is one. */
static gboolean
prepare_start (Activation *activation, UnitState *before, GError **error)
{
  HerdAdapterUnit *self = activation->adapter;
  gint64 now, delay;

  self->starts = FALSE;
  if (g_str_equal (self->method, RELOAD))
    return TRUE;
  if (!read_state (activation, before, error))
    return FALSE;
  self->starts = g_str_equal (self->method, RESTART) || !before->active;
  if (!self->starts)
    return TRUE;
  if (self->went_back)
    reset_failed (activation);
  now = g_get_monotonic_time ();
  delay = get_delay (self, before, now);
  if (delay > TURN_PATIENCE) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_BUSY,
                 "unit %s was started as often as its StartLimitBurst allows; it is tried again "
                 "later",
                 activation->unit);
    return FALSE;
  }
  if (delay > 0)
    g_usleep ((gulong) delay);
  self->started[self->n_started++ % STARTS_KEPT] = now + delay;
  return TRUE;
}

/* A start that failed without having been tried, as where there were too many before it, says nothing
 * about what was installed. */
static gboolean
was_tried (Activation *activation, const UnitState *before)
{
  g_auto (UnitState) after = { FALSE };

  if (!activation->adapter->starts || !read_state (activation, &after, NULL))
    return TRUE;
  return after.active || before->invocation == NULL || after.invocation == NULL
         || !g_variant_equal (before->invocation, after.invocation);
}

/* --- the job --- */

static gboolean
on_overdue (gpointer data)
{
  Activation *activation = data;

  activation->overdue = TRUE;
  return G_SOURCE_REMOVE;
}

/* The result of our job, or NULL. */
static const char *
activation_wait (Activation *activation, GError **error)
{
  g_autoptr (GSource) timer = g_timeout_source_new_seconds ((guint) activation->adapter->timeout);
  const char *result;

  g_source_set_callback (timer, on_overdue, activation, NULL);
  g_source_attach (timer, activation->context);
  while ((result = g_hash_table_lookup (activation->ended, activation->job)) == NULL
         && !activation->overdue && !g_dbus_connection_is_closed (activation->connection))
    g_main_context_iteration (activation->context, TRUE);
  g_source_destroy (timer);
  if (result != NULL)
    return result;
  g_set_error (error, HERD_ERROR, activation->overdue ? HERD_ERROR_REFUSED : HERD_ERROR_UNREACHABLE,
               "unit %s: %s; see: journalctl -u %s", activation->unit,
               activation->overdue ? "still not done when the target's timeout passed"
                                   : "the connection to systemd ended",
               activation->unit);
  return NULL;
}

/* The words are those of JobRemoved, org.freedesktop.systemd1(5). */
static gboolean
judge (Activation *activation, const UnitState *before, const char *result, GError **error)
{
  if (g_str_equal (result, "done"))
    return TRUE;
  if (g_str_equal (result, "invalid"))
    g_set_error (error, HERD_ERROR, HERD_ERROR_UNREACHABLE,
                 "unit %s is not active, so it cannot be reloaded; start it, or set the target's "
                 "action to reload-or-restart; see: journalctl -u %s",
                 activation->unit, activation->unit);
  else if (g_str_equal (result, "failed") && !was_tried (activation, before))
    g_set_error (error, HERD_ERROR, HERD_ERROR_BUSY,
                 "unit %s: systemd did not try to start it, as after too many starts; see: "
                 "journalctl -u %s",
                 activation->unit, activation->unit);
  else
    g_set_error (error, HERD_ERROR,
                 g_str_equal (result, "canceled") ? HERD_ERROR_BUSY : HERD_ERROR_REFUSED,
                 "unit %s: %s ended as “%s”; see: journalctl -u %s", activation->unit,
                 activation->adapter->method, result, activation->unit);
  return FALSE;
}

static gboolean
unit_activate (HerdAdapter *adapter, HerdBundle *bundle, GError **error)
{
  HerdAdapterUnit *self = HERD_ADAPTER_UNIT (adapter);
  g_auto (Activation) activation = { .adapter = self };
  g_auto (UnitState) before = { FALSE };
  const char *result;

  activation.unit = herd_adapter_base_get (&self->base, "unit");
  activation.ended = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  activation.context = g_main_context_new ();
  g_main_context_push_thread_default (activation.context);
  if (!activation_connect (&activation, error) || !activation_subscribe (&activation, error)
      || !prepare_start (&activation, &before, error) || !activation_begin (&activation, error))
    return FALSE;
  result = activation_wait (&activation, error);
  return result != NULL && judge (&activation, &before, result, error);
}

static gboolean
unit_activation_is_dear (HerdAdapter *adapter)
{
  return HERD_ADAPTER_UNIT (adapter)->starts;
}

/* --- files --- */

static gboolean
unit_install (HerdAdapter *adapter, GPtrArray *bundles, GError **error)
{
  HERD_ADAPTER_UNIT (adapter)->went_back = FALSE;
  return herd_adapter_base_install (adapter, bundles, error);
}

static gboolean
unit_restore (HerdAdapter *adapter, GPtrArray *bundles, GError **error)
{
  HERD_ADAPTER_UNIT (adapter)->went_back = TRUE;
  return herd_adapter_base_install (adapter, bundles, error);
}

static gboolean
unit_withdraw (HerdAdapter *adapter, const char *const *names, GError **error)
{
  HERD_ADAPTER_UNIT (adapter)->went_back = TRUE;
  return herd_adapter_base_withdraw (adapter, names, error);
}

static void
herd_adapter_unit_iface_init (HerdAdapterInterface *iface)
{
  iface->check = unit_check;
  iface->install = unit_install;
  iface->activate = unit_activate;
  iface->activation_is_dear = unit_activation_is_dear;
  iface->restore = unit_restore;
  iface->withdraw = unit_withdraw;
}

static void
herd_adapter_unit_class_init (HerdAdapterUnitClass *klass)
{
  herd_adapter_base_class_init (G_OBJECT_CLASS (klass));
}

static void
herd_adapter_unit_init (HerdAdapterUnit *adapter)
{}

HERD_PLUGIN_DEFINE ("adapter", "unit", herd_adapter_unit_get_type)
