// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Waiting for the key-encryption key: a real gnome-keyring that is unlocked, or comes; a clock that only
 * the test moves.
 *
 *   test-secret-watch [--tap]      needs dbus-daemon and gnome-keyring-daemon
 */
#include "manual-clock.h"
#include "plugin/error.h"
#include "secret-fixture.h"
#include "state/kek-watch.h"

typedef struct {
  HerdClock *clock;
  HerdState *state;
  HerdKekWatch *watch;
  guint looks;
  GError *error; /* of the last */
} Waiting;

static void
looked (const GError *error, gpointer data)
{
  Waiting *waiting = data;

  waiting->looks++;
  g_clear_error (&waiting->error);
  waiting->error = error != NULL ? g_error_copy (error) : NULL;
}

static void
wait_for_look (Waiting *waiting, guint looks)
{
  while (waiting->looks < looks)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (waiting->looks, ==, looks);
}

/* A state, with or without a KEK of an earlier process; the first look is over. */
static void
start_waiting (SecretFixture *fixture, Waiting *waiting, GBytes *kek, HerdKeystore keystore)
{
  g_autoptr (GError) error = NULL;

  waiting->state = herd_state_open (fixture->directory, NULL, &error);
  g_assert_no_error (error);
  if (kek != NULL) {
    g_assert_true (herd_state_unlock (waiting->state, kek, &error));
    herd_state_close (waiting->state);
    waiting->state = herd_state_open (fixture->directory, NULL, &error);
  }
  g_assert_true (herd_state_is_locked (waiting->state));
  waiting->clock = herd_manual_clock_new ();
  waiting->watch = herd_kek_watch_new (waiting->state, keystore, fixture->directory, waiting->clock,
                                       looked, waiting);
  g_assert_true (herd_manual_clock_fire_next (waiting->clock));
  wait_for_look (waiting, 1);
}

/* Until something was heard, which sets the clock forward; then looks once more. */
static void
hear_and_look (Waiting *waiting)
{
  while (herd_manual_clock_get_next (waiting->clock) > HERD_SECOND)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (herd_manual_clock_fire_next (waiting->clock));
  wait_for_look (waiting, waiting->looks + 1);
}

static void
assert_unlocked (Waiting *waiting)
{
  g_assert_no_error (waiting->error);
  g_assert_false (herd_state_is_locked (waiting->state));
  g_assert_cmpuint (herd_manual_clock_get_n_timers (waiting->clock), ==, 0);
}

static void
stop_waiting (Waiting *waiting)
{
  herd_kek_watch_free (waiting->watch);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (waiting->clock), ==, 0);
  herd_state_close (waiting->state);
  herd_clock_unref (waiting->clock);
  g_clear_error (&waiting->error);
}

static void
test_watch_unlock (SecretFixture *fixture, gconstpointer data)
{
  Waiting waiting = { 0 };
  g_autoptr (GBytes) made = NULL;

  secret_fixture_start_keyring (fixture, "password");
  made = secret_fixture_load_ok (fixture, TRUE);
  secret_fixture_lock_keyring (fixture);
  start_waiting (fixture, &waiting, made, HERD_KEYSTORE_SECRET_SERVICE);
  while (waiting.error->code == HERD_ERROR_LOCKED && waiting.looks < 2)
    hear_and_look (&waiting); /* of the service itself, which was there */
  g_assert_error (waiting.error, HERD_ERROR, HERD_ERROR_LOCKED);
  g_assert_cmpint (herd_manual_clock_get_next (waiting.clock), >, 10 * HERD_SECOND);
  secret_fixture_unlock_keyring (fixture, "password");
  hear_and_look (&waiting);
  assert_unlocked (&waiting);
  g_assert_cmpuint (secret_fixture_count_items (fixture), ==, 1);
  stop_waiting (&waiting);
}

static void
test_watch_appear (SecretFixture *fixture, gconstpointer data)
{
  Waiting waiting = { 0 };
  g_autoptr (GBytes) made = NULL;

  secret_fixture_start_keyring (fixture, "password");
  made = secret_fixture_load_ok (fixture, TRUE);
  secret_fixture_stop_keyring (fixture);
  start_waiting (fixture, &waiting, made, HERD_KEYSTORE_SECRET_SERVICE);
  g_assert_error (waiting.error, HERD_ERROR, HERD_ERROR_UNREACHABLE);
  secret_fixture_start_keyring (fixture, "password");
  hear_and_look (&waiting);
  assert_unlocked (&waiting);
  stop_waiting (&waiting);
}

/* A keyring that is not the one that it was in: nothing is made, however often it is looked for. */
static void
test_watch_never_new (SecretFixture *fixture, gconstpointer data)
{
  Waiting waiting = { 0 };
  g_autoptr (GBytes) other = g_bytes_new_static ("0123456789abcdef0123456789abcdef", 32);

  secret_fixture_start_keyring (fixture, "password");
  start_waiting (fixture, &waiting, other, HERD_KEYSTORE_SECRET_SERVICE);
  hear_and_look (&waiting);
  g_assert_error (waiting.error, HERD_ERROR, HERD_ERROR_NOT_FOUND);
  g_assert_cmpuint (secret_fixture_count_items (fixture), ==, 0);
  g_assert_true (herd_state_is_locked (waiting.state));
  stop_waiting (&waiting);
}

/* One that never had a key gets its first. */
static void
test_watch_first (SecretFixture *fixture, gconstpointer data)
{
  Waiting waiting = { 0 };

  start_waiting (fixture, &waiting, NULL, HERD_KEYSTORE_SECRET_SERVICE);
  g_assert_error (waiting.error, HERD_ERROR, HERD_ERROR_UNREACHABLE);
  secret_fixture_start_keyring (fixture, "password");
  hear_and_look (&waiting);
  assert_unlocked (&waiting);
  g_assert_cmpuint (secret_fixture_count_items (fixture), ==, 1);
  stop_waiting (&waiting);
}

/* Where nothing is heard: in 30 s, then ever more rarely, and at least every 15 minutes. */
static void
test_watch_clock (SecretFixture *fixture, gconstpointer data)
{
  const gint64 pauses[] = { 30, 60, 120, 240, 480, 900, 900 };
  Waiting waiting = { 0 };
  g_autoptr (GBytes) kek = g_bytes_new_static ("0123456789abcdef0123456789abcdef", 32);

  start_waiting (fixture, &waiting, kek, HERD_KEYSTORE_SECRET_SERVICE);
  for (guint i = 0; i < G_N_ELEMENTS (pauses); i++) {
    g_assert_cmpint (herd_manual_clock_get_next (waiting.clock), ==, pauses[i] * HERD_SECOND);
    g_assert_true (herd_manual_clock_fire_next (waiting.clock));
    wait_for_look (&waiting, i + 2);
    g_assert_error (waiting.error, HERD_ERROR, HERD_ERROR_UNREACHABLE);
  }
  stop_waiting (&waiting);
}

/* A file is looked for once. */
static void
test_watch_file (SecretFixture *fixture, gconstpointer data)
{
  Waiting waiting = { 0 };
  g_autoptr (GBytes) kek = g_bytes_new_static ("0123456789abcdef0123456789abcdef", 32);
  g_autofree char *path = g_build_filename (fixture->directory, "kek", NULL);

  start_waiting (fixture, &waiting, kek, HERD_KEYSTORE_FILE);
  g_assert_error (waiting.error, HERD_ERROR, HERD_ERROR_NOT_FOUND);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (waiting.clock), ==, 0);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  stop_waiting (&waiting);
}

/* Freed in the middle of a look. */
static void
test_watch_free (SecretFixture *fixture, gconstpointer data)
{
  Waiting waiting = { 0 };
  g_autoptr (GBytes) other = g_bytes_new_static ("0123456789abcdef0123456789abcdef", 32);

  secret_fixture_start_keyring (fixture, "password");
  start_waiting (fixture, &waiting, other, HERD_KEYSTORE_SECRET_SERVICE);
  g_assert_true (herd_manual_clock_fire_next (waiting.clock));
  stop_waiting (&waiting);
  /* Whoever asks later is answered later. */
  secret_fixture_assert_refused (fixture, FALSE, HERD_ERROR_NOT_FOUND, "there is none");
  g_assert_cmpuint (waiting.looks, ==, 1);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                                            \
  g_test_add ("/secret-watch/" name, SecretFixture, NULL, secret_fixture_set_up, func,             \
              secret_fixture_tear_down)
  ADD ("unlock", test_watch_unlock);
  ADD ("appear", test_watch_appear);
  ADD ("never-new", test_watch_never_new);
  ADD ("first", test_watch_first);
  ADD ("clock", test_watch_clock);
  ADD ("file", test_watch_file);
  ADD ("free", test_watch_free);
  return g_test_run ();
}
