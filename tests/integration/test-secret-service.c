// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The key-encryption key in a real gnome-keyring on a bus of its own: unlocked, locked, absent,
 * without a service, without a bus, and with a service that never answers.
 *
 *   test-secret-service [--tap]      needs dbus-daemon and gnome-keyring-daemon
 */
#include <gio/gio.h>

#include "manual-clock.h"
#include "plugin/error.h"
#include "secret-fixture.h"
#include "state-fixture.h"
#include "state/kek-private.h"
#include "util/secret.h"

/* --- tests --- */

static void
test_unlocked (SecretFixture *fixture, gconstpointer data)
{
  g_autoptr (GBytes) made = NULL;
  g_autoptr (GBytes) again = NULL;
  g_autoptr (GBytes) later = NULL;

  secret_fixture_start_keyring (fixture, "password");
  secret_fixture_assert_refused (fixture, FALSE, HERD_ERROR_NOT_FOUND, "there is none");
  g_assert_cmpuint (secret_fixture_count_items (fixture), ==, 0);
  made = secret_fixture_load_ok (fixture, TRUE);
  g_assert_cmpuint (secret_fixture_count_items (fixture), ==, 1);
  again = secret_fixture_load_ok (fixture, TRUE);
  g_assert_true (herd_secret_equal (made, again));
  g_assert_cmpuint (secret_fixture_count_items (fixture), ==, 1);

  /* The service remembers it. */
  secret_fixture_stop_keyring (fixture);
  secret_fixture_start_keyring (fixture, "password");
  later = secret_fixture_load_ok (fixture, FALSE);
  g_assert_true (herd_secret_equal (made, later));
}

static void
test_locked (SecretFixture *fixture, gconstpointer data)
{
  g_autoptr (GBytes) made = NULL;
  g_autoptr (GBytes) again = NULL;

  secret_fixture_start_keyring (fixture, "password");
  made = secret_fixture_load_ok (fixture, TRUE);
  secret_fixture_lock_keyring (fixture);
  secret_fixture_assert_refused (fixture, FALSE, HERD_ERROR_LOCKED, "unlock");
  secret_fixture_assert_refused (fixture, TRUE, HERD_ERROR_LOCKED, "unlock");
  g_assert_cmpuint (secret_fixture_count_items (fixture), ==, 1);

  secret_fixture_stop_keyring (fixture);
  secret_fixture_start_keyring (fixture, "password");
  again = secret_fixture_load_ok (fixture, TRUE);
  g_assert_true (herd_secret_equal (made, again));
  g_assert_cmpuint (secret_fixture_count_items (fixture), ==, 1);
}

/* An empty, locked keyring might hide anything. */
static void
test_locked_empty (SecretFixture *fixture, gconstpointer data)
{
  secret_fixture_start_keyring (fixture, "password");
  secret_fixture_lock_keyring (fixture);
  secret_fixture_assert_refused (fixture, FALSE, HERD_ERROR_LOCKED, "unlock");
  secret_fixture_assert_refused (fixture, TRUE, HERD_ERROR_LOCKED, "unlock");
  g_assert_cmpuint (secret_fixture_count_items (fixture), ==, 0);
}

static void
test_no_keyring (SecretFixture *fixture, gconstpointer data)
{
  secret_fixture_start_keyring (fixture, NULL);
  secret_fixture_assert_refused (fixture, FALSE, HERD_ERROR_NOT_FOUND, "there is none");
  secret_fixture_assert_refused (fixture, TRUE, HERD_ERROR_UNREACHABLE, "no default keyring");
  g_assert_cmpuint (secret_fixture_count_items (fixture), ==, 0);
}

static void
test_foreign_items (SecretFixture *fixture, gconstpointer data)
{
  secret_fixture_start_keyring (fixture, "password");
  secret_fixture_store_item (fixture, "one", "too short");
  for (guint create = 0; create < 2; create++) {
    g_autoptr (GError) cause = NULL;

    g_assert_null (secret_fixture_load (fixture, create != 0, &cause));
    assert_words (cause, HERD_ERROR_REFUSED, "9 bytes");
  }
  secret_fixture_store_item (fixture, "two", "another one");
  secret_fixture_assert_refused (fixture, FALSE, HERD_ERROR_REFUSED, "several");
  secret_fixture_assert_refused (fixture, TRUE, HERD_ERROR_REFUSED, "several");
  g_assert_cmpuint (secret_fixture_count_items (fixture), ==, 2);
}

/* The variable that lets libsecret's simple calls hang. */
static void
test_backend (SecretFixture *fixture, gconstpointer data)
{
  g_autoptr (GBytes) made = NULL;

  g_setenv ("SECRET_BACKEND", "nonsense", TRUE);
  secret_fixture_start_keyring (fixture, "password");
  made = secret_fixture_load_ok (fixture, TRUE);
  g_unsetenv ("SECRET_BACKEND");
}

static void
test_no_service (SecretFixture *fixture, gconstpointer data)
{
  secret_fixture_assert_refused (fixture, FALSE, HERD_ERROR_UNREACHABLE, "[agent]");
  secret_fixture_assert_refused (fixture, TRUE, HERD_ERROR_UNREACHABLE, "[agent]");
}

static void
test_no_bus (SecretFixture *fixture, gconstpointer data)
{
  g_autofree char *address = g_strdup (g_getenv ("DBUS_SESSION_BUS_ADDRESS"));

  g_setenv ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus", TRUE);
  secret_fixture_assert_refused (fixture, FALSE, HERD_ERROR_UNREACHABLE, "[agent]");
  secret_fixture_assert_refused (fixture, TRUE, HERD_ERROR_UNREACHABLE, "[agent]");
  g_setenv ("DBUS_SESSION_BUS_ADDRESS", address, TRUE);
}

/* --- a service that has the name and never answers --- */

typedef struct {
  GCancellable *cancellable;
  HerdClock *clock;
  gint asked; /* atomic: the bus's thread counts */
} Silence;

static GDBusMessage *
swallow (GDBusConnection *connection, GDBusMessage *message, gboolean incoming, gpointer data)
{
  Silence *silence = data;

  if (!incoming || g_dbus_message_get_message_type (message) != G_DBUS_MESSAGE_TYPE_METHOD_CALL)
    return message;
  g_object_unref (message);
  g_atomic_int_inc (&silence->asked);
  g_main_context_wakeup (NULL);
  return NULL;
}

static void
ask_silence (SecretFixture *fixture, Silence *silence, void (*act) (Silence *silence), int code)
{
  g_autoptr (GVariant) answer = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  GTask *task;
  guint filter;

  silence->cancellable = g_cancellable_new ();
  silence->clock = herd_manual_clock_new ();
  filter = g_dbus_connection_add_filter (fixture->connection, swallow, silence, NULL);
  answer = g_dbus_connection_call_sync (
      fixture->connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
      "RequestName", g_variant_new ("(su)", "org.freedesktop.secrets", 0u), NULL,
      G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
  g_assert_no_error (error);
  task = g_task_new (NULL, silence->cancellable, secret_fixture_keep_result, &result);
  herd_kek_load_secret_service (fixture->directory, TRUE, silence->clock, task);
  while (g_atomic_int_get (&silence->asked) == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (result);
  act (silence);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (herd_kek_load_finish (result, &error));
  g_assert_error (error, HERD_ERROR, code);
  g_dbus_connection_remove_filter (fixture->connection, filter);
  g_object_unref (silence->cancellable);
  herd_clock_unref (silence->clock);
}

static void
cancel (Silence *silence)
{
  g_cancellable_cancel (silence->cancellable);
}

static void
wait_long (Silence *silence)
{
  herd_manual_clock_advance (silence->clock, 40 * HERD_SECOND);
}

static void
test_cancel (SecretFixture *fixture, gconstpointer data)
{
  Silence silence = { 0 };

  ask_silence (fixture, &silence, cancel, HERD_ERROR_CANCELLED);
}

static void
test_timeout (SecretFixture *fixture, gconstpointer data)
{
  Silence silence = { 0 };

  ask_silence (fixture, &silence, wait_long, HERD_ERROR_UNREACHABLE);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                                            \
  g_test_add ("/secret-service/" name, SecretFixture, NULL, secret_fixture_set_up, func,           \
              secret_fixture_tear_down)
  ADD ("unlocked", test_unlocked);
  ADD ("locked", test_locked);
  ADD ("locked/empty", test_locked_empty);
  ADD ("no-keyring", test_no_keyring);
  ADD ("foreign-items", test_foreign_items);
  ADD ("backend", test_backend);
  ADD ("no-service", test_no_service);
  ADD ("no-bus", test_no_bus);
  ADD ("silent/cancel", test_cancel);
  ADD ("silent/timeout", test_timeout);
  return g_test_run ();
}
