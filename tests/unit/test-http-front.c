// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The http-01 front in this process, with a clock that the test moves: deadlines, and what happens when
 * too many come.
 */
#include "responder/http-front.h"

#include <string.h>

#include "front-fixture.h"
#include "manual-clock.h"

static void
setup (FrontFixture *fixture, gconstpointer data)
{
  front_fixture_set_up (fixture, herd_http_front_new);
}

static void
teardown (FrontFixture *fixture, gconstpointer data)
{
  front_fixture_tear_down (fixture);
}

static void
ask (GSocket *client)
{
  static const char question[] = "GET / HTTP/1.0\r\n\r\n";

  front_fixture_say (client, question, strlen (question));
}

static void
assert_not_found (GSocket *client)
{
  static const char beginning[] = "HTTP/1.1 404 ";
  g_autoptr (GBytes) answer = front_fixture_listen_to (client);
  gsize size;
  const char *text = g_bytes_get_data (answer, &size);

  g_assert_cmpuint (size, >, strlen (beginning));
  g_assert_cmpmem (text, strlen (beginning), beginning, strlen (beginning));
}

/* A byte now and then does not buy time. */
static void
test_slow (FrontFixture *fixture, gconstpointer data)
{
  g_autoptr (GSocket) silent = front_fixture_join (fixture, 1);
  g_autoptr (GSocket) slow = front_fixture_join (fixture, 2);
  static const char head[] = "GET / HTTP";

  for (guint i = 0; i < 9; i++) {
    front_fixture_say (slow, head + i, 1);
    while (g_main_context_iteration (NULL, FALSE))
      continue;
    herd_manual_clock_advance (fixture->clock, HERD_SECOND);
  }
  g_assert_false (front_fixture_is_closed (silent));
  g_assert_false (front_fixture_is_closed (slow));
  herd_manual_clock_advance (fixture->clock, HERD_SECOND);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->clock), ==, 0);
  g_assert_true (front_fixture_is_closed (silent));
  g_assert_true (front_fixture_is_closed (slow));
}

/* Who does not close after the answer is not waited for. */
static void
test_lingering (FrontFixture *fixture, gconstpointer data)
{
  g_autoptr (GSocket) client = front_fixture_join (fixture, 1);

  ask (client);
  assert_not_found (client);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->clock), ==, 1);
  herd_manual_clock_advance (fixture->clock, HERD_FRONT_DEADLINE);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->clock), ==, 0);
}

/* Nor is one that goes on sending. */
static void
test_flood (FrontFixture *fixture, gconstpointer data)
{
  g_autoptr (GSocket) client = front_fixture_join (fixture, 1);
  g_autofree char *flood = g_strnfill (65536, 'x');

  ask (client);
  assert_not_found (client);
  while (herd_manual_clock_get_n_timers (fixture->clock) > 0) {
    g_socket_send (client, flood, 65536, NULL, NULL);
    g_main_context_iteration (NULL, FALSE);
  }
}

static void
test_many (FrontFixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) clients = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GSocket) late = NULL;

  for (guint i = 0; i < HERD_FRONT_CLIENTS; i++)
    g_ptr_array_add (clients, front_fixture_join (fixture, i + 1));
  g_assert_false (front_fixture_is_closed (g_ptr_array_index (clients, 0)));
  late = front_fixture_join (fixture, HERD_FRONT_CLIENTS);
  ask (late);
  assert_not_found (late);
  g_assert_true (front_fixture_is_closed (g_ptr_array_index (clients, 0)));
  g_assert_false (front_fixture_is_closed (g_ptr_array_index (clients, 1)));
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->clock), ==, HERD_FRONT_CLIENTS);
}

/* A client may go at any point. */
static void
test_gone (FrontFixture *fixture, gconstpointer data)
{
  static const char *const last_words[] = { "", "GET / HT", "GET / HTTP/1.0\r\n\r\n" };

  for (guint i = 0; i < G_N_ELEMENTS (last_words); i++) {
    g_autoptr (GSocket) client = front_fixture_join (fixture, 1);

    if (*last_words[i] != '\0')
      front_fixture_say (client, last_words[i], strlen (last_words[i]));
    g_socket_close (client, NULL);
    front_fixture_wait (fixture, 0);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/http-front/" name, FrontFixture, NULL, setup, function, teardown)
  ADD ("slow", test_slow);
  ADD ("lingering", test_lingering);
  ADD ("flood", test_flood);
  ADD ("many", test_many);
  ADD ("gone", test_gone);
  return g_test_run ();
}
