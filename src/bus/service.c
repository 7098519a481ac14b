// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The agent's place on the bus: connect → name → closed, and again.
 */
#include "bus/service.h"

#include "plugin/error.h"
#include "util/steps.h"

#define RECONNECT_FIRST HERD_SECOND
#define RECONNECT_MOST (30 * HERD_SECOND)

/* RequestName's flag and answer (D-Bus specification, "Message Bus Messages"). */
#define DO_NOT_QUEUE 4
#define PRIMARY_OWNER 1

struct HerdBusService {
  GBusType type;
  HerdAgent *agent;
  HerdBusServiceEvents events;
  GDBusConnection *connection;
  HerdBus *bus;
  HerdRun *run;
  GTask *closed; /* ends when the connection does */
  gulong closed_handler;
  gint64 delay;
  gboolean was_ready;
};

static void
drop_connection (HerdBusService *service)
{
  g_clear_pointer (&service->bus, herd_bus_free);
  if (service->connection != NULL)
    g_clear_signal_handler (&service->closed_handler, service->connection);
  g_clear_object (&service->connection);
}

/* The bus was there and will be again: a restart of dbus-daemon is no reason to end. Enters the step
 * again after a while, or fails with ERROR (taken) where the bus was never reached. */
static gboolean
try_again (HerdRun *run, HerdBusService *service, GError *taken, GError **error)
{
  g_autoptr (GError) failure = taken;

  if (!service->was_ready) {
    g_propagate_error (error, g_steal_pointer (&failure));
    return FALSE;
  }
  g_debug ("the bus is not there yet: %s", failure != NULL ? failure->message : "no address");
  drop_connection (service);
  herd_run_again (run, service->delay);
  service->delay = MIN (service->delay * 2, RECONNECT_MOST);
  return TRUE;
}

/* --- connect --- */

static gboolean
enter_connect (HerdRun *run, gpointer operation, GError **error)
{
  HerdBusService *service = operation;
  g_autoptr (GError) failure = NULL;
  g_autofree char *address = g_dbus_address_get_for_bus_sync (
      service->type, herd_run_get_cancellable (run), &failure);

  if (address != NULL) {
    g_dbus_connection_new_for_address (address,
                                       G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
                                           | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                       NULL, herd_run_get_cancellable (run), herd_run_ready,
                                       herd_run_slot (run));
  } else if (!service->was_ready) {
    g_propagate_error (error, g_steal_pointer (&failure));
    return FALSE;
  }
  return TRUE;
}

static gboolean
leave_connect (HerdRun *run, gpointer operation, GError **error)
{
  HerdBusService *service = operation;
  GError *failure = NULL;

  if (herd_run_get_n_results (run) > 0)
    service->connection = g_dbus_connection_new_for_address_finish (herd_run_get_result (run, 0),
                                                                    &failure);
  if (service->connection == NULL)
    return try_again (run, service, failure, error);
  g_dbus_connection_set_exit_on_close (service->connection, FALSE);
  service->bus = herd_bus_new (service->connection, service->agent, error);
  return service->bus != NULL;
}

/* --- name --- */

static gboolean
enter_name (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdBusService *service = operation;

  if (service->connection == NULL)
    return TRUE; /* the bus went before it gave the name */
  g_dbus_connection_call (service->connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                          "org.freedesktop.DBus", "RequestName",
                          g_variant_new ("(su)", HERD_BUS_NAME, DO_NOT_QUEUE),
                          G_VARIANT_TYPE ("(u)"), G_DBUS_CALL_FLAGS_NONE, -1,
                          herd_run_get_cancellable (run), herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
leave_name (HerdRun *run, gpointer operation, GError **error)
{
  HerdBusService *service = operation;
  g_autoptr (GVariant) reply = NULL;
  GError *failure = NULL;
  guint32 answer;

  if (service->connection == NULL) {
    herd_run_jump (run, "connect");
    return TRUE;
  }
  reply = g_dbus_connection_call_finish (service->connection, herd_run_get_result (run, 0),
                                         &failure);
  if (reply == NULL && !g_dbus_error_is_remote_error (failure))
    return try_again (run, service, failure, error);
  if (reply == NULL) {
    g_propagate_error (error, failure);
    return FALSE;
  }
  g_variant_get (reply, "(u)", &answer);
  if (answer != PRIMARY_OWNER) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_BUSY,
                 "another process owns %s on this bus; end it first", HERD_BUS_NAME);
    return FALSE;
  }
  service->was_ready = TRUE;
  service->delay = RECONNECT_FIRST;
  service->events.ready (service->events.data);
  return TRUE;
}

/* --- closed --- */

static void
connection_closed (GDBusConnection *connection G_GNUC_UNUSED,
                   gboolean remote_peer_vanished G_GNUC_UNUSED, GError *error G_GNUC_UNUSED,
                   gpointer data)
{
  HerdBusService *service = data;
  g_autoptr (GTask) closed = g_steal_pointer (&service->closed);

  if (closed != NULL)
    g_task_return_boolean (closed, TRUE);
}

static gboolean
enter_closed (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdBusService *service = operation;

  service->closed = g_task_new (NULL, NULL, herd_run_ready, herd_run_slot (run));
  service->closed_handler = g_signal_connect (service->connection, "closed",
                                              G_CALLBACK (connection_closed), service);
  if (g_dbus_connection_is_closed (service->connection))
    connection_closed (service->connection, TRUE, NULL, service);
  return TRUE;
}

static gboolean
leave_closed (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdBusService *service = operation;

  g_warning ("the bus was lost; connecting again");
  drop_connection (service);
  /* Subscriptions are of connections, and their unique names come again for others. */
  herd_agent_unsubscribe_all (service->agent);
  herd_run_jump (run, "connect");
  return TRUE;
}

static const HerdStep steps[] = {
  { "connect", enter_connect, leave_connect, HERD_COMMIT_NONE },
  { "name", enter_name, leave_name, HERD_COMMIT_NONE },
  { "closed", enter_closed, leave_closed, HERD_COMMIT_NONE },
  { "done", NULL, NULL, HERD_COMMIT_NONE },
};

static void
finished (gpointer operation, const GError *error)
{
  HerdBusService *service = operation;

  if (error != NULL)
    service->events.failed (error, service->events.data);
}

static const HerdRunOps operations = { .finished = finished };

HerdBusService *
herd_bus_service_new (GBusType type, HerdAgent *agent, const HerdBusServiceEvents *events)
{
  HerdBusService *service = g_new0 (HerdBusService, 1);
  HerdServices *services = herd_agent_get_services (agent);

  service->type = type;
  service->agent = agent;
  service->events = *events;
  service->delay = RECONNECT_FIRST;
  service->run = herd_run_new ("bus", steps, G_N_ELEMENTS (steps), &operations, service,
                               services->clock, NULL);
  herd_run_start (service->run, NULL);
  return service;
}

void
herd_bus_service_free (HerdBusService *service)
{
  if (service == NULL)
    return;
  if (service->connection != NULL)
    g_dbus_connection_flush_sync (service->connection, NULL, NULL);
  drop_connection (service);
  herd_run_unref (service->run);
  g_free (service);
}
