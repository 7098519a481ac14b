// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The http-01 front in this process, with a clock that the test moves: deadlines, and what happens when
 * too many come.
 */
#include "responder/http-front.h"

#include <string.h>

#include "manual-clock.h"

typedef struct {
  HerdClock *clock;
  HerdFlight *flight;
  HerdHttpFront *front;
  GSocketAddress *address;
} Fixture;

static void
setup (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSocket) socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM,
                                             G_SOCKET_PROTOCOL_TCP, NULL);
  gboolean bound = FALSE;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 1000 && !bound; i++) {
    g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string (
        "127.0.0.1", (guint) g_random_int_range (20000, 32000));

    bound = g_socket_bind (socket, address, TRUE, NULL);
  }
  g_socket_set_listen_backlog (socket, HERD_HTTP_CONNECTIONS * 2);
  g_socket_listen (socket, &error);
  g_assert_no_error (error);
  fixture->address = g_socket_get_local_address (socket, &error);
  fixture->clock = herd_manual_clock_new ();
  fixture->flight = herd_flight_new ();
  fixture->front = herd_http_front_new (fixture->flight, fixture->clock);
  herd_http_front_add (fixture->front, socket, &error);
  g_assert_no_error (error);
  herd_http_front_start (fixture->front);
}

static void
teardown (Fixture *fixture, gconstpointer data)
{
  herd_http_front_free (fixture->front);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->clock), ==, 0);
  herd_flight_free (fixture->flight);
  herd_clock_unref (fixture->clock);
  g_object_unref (fixture->address);
}

/* A client that the front has accepted: each has one timer. */
static GSocket *
join (Fixture *fixture, guint expected)
{
  GSocket *client = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP,
                                  NULL);
  g_autoptr (GError) error = NULL;

  g_socket_connect (client, fixture->address, NULL, &error);
  g_assert_no_error (error);
  while (herd_manual_clock_get_n_timers (fixture->clock) < expected)
    g_main_context_iteration (NULL, TRUE);
  g_socket_set_blocking (client, FALSE);
  return client;
}

static void
say (GSocket *client, const char *text)
{
  g_assert_cmpint (g_socket_send (client, text, strlen (text), NULL, NULL), ==, strlen (text));
}

/* What the front says until it closes. */
static char *
listen_to (GSocket *client)
{
  g_autoptr (GString) answer = g_string_new (NULL);
  char data[512];

  for (;;) {
    g_autoptr (GError) error = NULL;
    gssize size = g_socket_receive (client, data, sizeof data, NULL, &error);

    if (size < 0 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
      g_main_context_iteration (NULL, FALSE);
      continue;
    }
    g_assert_no_error (error);
    if (size == 0)
      return g_string_free (g_steal_pointer (&answer), FALSE);
    g_string_append_len (answer, data, size);
  }
}

static gboolean
is_closed (GSocket *client)
{
  char data[1];

  return g_socket_receive (client, data, 1, NULL, NULL) == 0;
}

/* A byte now and then does not buy time. */
static void
test_slow (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSocket) silent = join (fixture, 1);
  g_autoptr (GSocket) slow = join (fixture, 2);
  static const char head[] = "GET / HTTP";

  for (guint i = 0; i < 9; i++) {
    g_assert_cmpint (g_socket_send (slow, head + i, 1, NULL, NULL), ==, 1);
    while (g_main_context_iteration (NULL, FALSE))
      continue;
    herd_manual_clock_advance (fixture->clock, HERD_SECOND);
  }
  g_assert_false (is_closed (silent));
  g_assert_false (is_closed (slow));
  herd_manual_clock_advance (fixture->clock, HERD_SECOND);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->clock), ==, 0);
  g_assert_true (is_closed (silent));
  g_assert_true (is_closed (slow));
}

/* Who does not close after the answer is not waited for. */
static void
test_lingering (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSocket) client = join (fixture, 1);
  g_autofree char *answer = NULL;

  say (client, "GET / HTTP/1.0\r\n\r\n");
  answer = listen_to (client);
  g_assert_true (g_str_has_prefix (answer, "HTTP/1.1 404 "));
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->clock), ==, 1);
  herd_manual_clock_advance (fixture->clock, HERD_HTTP_DEADLINE);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->clock), ==, 0);
}

/* Nor is one that goes on sending. */
static void
test_flood (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSocket) client = join (fixture, 1);
  g_autofree char *flood = g_strnfill (65536, 'x');
  g_autofree char *answer = NULL;

  say (client, "GET / HTTP/1.0\r\n\r\n");
  answer = listen_to (client);
  while (herd_manual_clock_get_n_timers (fixture->clock) > 0) {
    g_socket_send (client, flood, 65536, NULL, NULL);
    g_main_context_iteration (NULL, FALSE);
  }
}

static void
test_many (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) clients = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GSocket) late = NULL;
  g_autofree char *answer = NULL;

  for (guint i = 0; i < HERD_HTTP_CONNECTIONS; i++)
    g_ptr_array_add (clients, join (fixture, i + 1));
  g_assert_false (is_closed (g_ptr_array_index (clients, 0)));
  late = join (fixture, HERD_HTTP_CONNECTIONS);
  say (late, "GET / HTTP/1.0\r\n\r\n");
  answer = listen_to (late);
  g_assert_true (g_str_has_prefix (answer, "HTTP/1.1 404 "));
  g_assert_true (is_closed (g_ptr_array_index (clients, 0)));
  g_assert_false (is_closed (g_ptr_array_index (clients, 1)));
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->clock), ==, HERD_HTTP_CONNECTIONS);
}

/* A client may go at any point. */
static void
test_gone (Fixture *fixture, gconstpointer data)
{
  static const char *const last_words[] = { "", "GET / HT", "GET / HTTP/1.0\r\n\r\n" };

  for (guint i = 0; i < G_N_ELEMENTS (last_words); i++) {
    g_autoptr (GSocket) client = join (fixture, 1);

    if (*last_words[i] != '\0')
      say (client, last_words[i]);
    g_socket_close (client, NULL);
    while (herd_manual_clock_get_n_timers (fixture->clock) > 0)
      g_main_context_iteration (NULL, TRUE);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/http-front/" name, Fixture, NULL, setup, function, teardown)
  ADD ("slow", test_slow);
  ADD ("lingering", test_lingering);
  ADD ("flood", test_flood);
  ADD ("many", test_many);
  ADD ("gone", test_gone);
  return g_test_run ();
}
