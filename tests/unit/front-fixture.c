// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One front on a free port of the loopback address.
 */
#include "front-fixture.h"

#include "manual-clock.h"

void
front_fixture_set_up (FrontFixture *fixture, FrontFixtureMake make)
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
  g_socket_set_listen_backlog (socket, HERD_FRONT_CLIENTS * 2);
  g_socket_listen (socket, &error);
  g_assert_no_error (error);
  fixture->address = g_socket_get_local_address (socket, &error);
  fixture->clock = herd_manual_clock_new ();
  fixture->flight = herd_flight_new ();
  fixture->front = make (fixture->flight, fixture->clock);
  herd_front_add (fixture->front, socket, &error);
  g_assert_no_error (error);
  herd_front_start (fixture->front);
}

void
front_fixture_tear_down (FrontFixture *fixture)
{
  herd_front_free (fixture->front);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->clock), ==, 0);
  herd_flight_free (fixture->flight);
  herd_clock_unref (fixture->clock);
  g_object_unref (fixture->address);
}

void
front_fixture_wait (FrontFixture *fixture, guint expected)
{
  while (herd_manual_clock_get_n_timers (fixture->clock) != expected)
    g_main_context_iteration (NULL, TRUE);
}

GSocket *
front_fixture_join (FrontFixture *fixture, guint expected)
{
  GSocket *client = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP,
                                  NULL);
  g_autoptr (GError) error = NULL;

  g_socket_connect (client, fixture->address, NULL, &error);
  g_assert_no_error (error);
  front_fixture_wait (fixture, expected);
  g_socket_set_blocking (client, FALSE);
  return client;
}

void
front_fixture_say (GSocket *client, gconstpointer data, gsize size)
{
  g_assert_cmpint (g_socket_send (client, data, size, NULL, NULL), ==, size);
}

GBytes *
front_fixture_listen_to (GSocket *client)
{
  g_autoptr (GByteArray) answer = g_byte_array_new ();
  guint8 data[512];

  for (;;) {
    g_autoptr (GError) error = NULL;
    gssize size = g_socket_receive (client, (char *) data, sizeof data, NULL, &error);

    if (size < 0 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
      g_main_context_iteration (NULL, FALSE);
      continue;
    }
    g_assert_no_error (error);
    if (size == 0)
      return g_byte_array_free_to_bytes (g_steal_pointer (&answer));
    g_byte_array_append (answer, data, (guint) size);
  }
}

gboolean
front_fixture_is_closed (GSocket *client)
{
  char data[1];

  return g_socket_receive (client, data, 1, NULL, NULL) == 0;
}
