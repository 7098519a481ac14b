// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One front on an abstract Unix socket, whose name the kernel chooses: no port is needed, and none is left
 * waiting.
 */
#include "front.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "manual-clock.h"

static void
fill (HerdFlight *flight)
{
  static const char *const types[] = { "http-01", "tls-alpn-01" };
  g_autoptr (GPtrArray)
      challenges = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_challenge_unref);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    g_ptr_array_add (challenges, herd_challenge_new (types[i], "example.org", FUZZ_TOKEN,
                                                     FUZZ_TOKEN ".thumbprint"));
  herd_flight_add (flight, challenges, &error);
  g_assert_no_error (error);
}

static GSocket *
make_socket (int descriptor)
{
  g_autoptr (GError) error = NULL;
  GSocket *socket = g_socket_new_from_fd (descriptor, &error);

  g_assert_no_error (error);
  return socket;
}

static GSocket *
listen_somewhere (struct sockaddr_un *address, socklen_t *length)
{
  int descriptor = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  address->sun_family = AF_UNIX;
  g_assert_cmpint (bind (descriptor, (struct sockaddr *) address, sizeof address->sun_family), ==,
                   0);
  g_assert_cmpint (getsockname (descriptor, (struct sockaddr *) address, length), ==, 0);
  g_assert_cmpint (listen (descriptor, 1), ==, 0);
  return make_socket (descriptor);
}

static GSocket *
join (const struct sockaddr_un *address, socklen_t length)
{
  int descriptor = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  GSocket *client;

  g_assert_cmpint (connect (descriptor, (const struct sockaddr *) address, length), ==, 0);
  client = make_socket (descriptor);
  g_socket_set_blocking (client, FALSE);
  return client;
}

static void
turn_loop (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    continue;
}

/* FALSE: the front has closed. */
static gboolean
hear (GSocket *client, GByteArray *heard)
{
  char data[4096];
  gssize size;

  while ((size = g_socket_receive (client, data, sizeof data, NULL, NULL)) > 0)
    g_byte_array_append (heard, (const guint8 *) data, (guint) size);
  return size < 0;
}

static void
talk (GSocket *client, const guint8 *data, gsize size, gsize step, GByteArray *heard)
{
  gboolean open = TRUE;

  for (gsize said = 0; open && said < size;) {
    gssize some = g_socket_send (client, (const char *) data + said, MIN (step, size - said), NULL,
                                 NULL);

    said = some > 0 ? said + (gsize) some : said;
    turn_loop ();
    open = hear (client, heard);
  }
  g_socket_shutdown (client, FALSE, TRUE, NULL);
  turn_loop ();
  hear (client, heard);
}

GBytes *
fuzz_front_feed (FuzzFrontMake make, const guint8 *data, gsize size, gsize step)
{
  HerdClock *clock = herd_manual_clock_new ();
  g_autoptr (HerdFlight) flight = herd_flight_new ();
  HerdFront *front = make (flight, clock);
  g_autoptr (GByteArray) heard = g_byte_array_new ();
  struct sockaddr_un address = { 0 };
  socklen_t length = sizeof address;
  g_autoptr (GSocket) listener = listen_somewhere (&address, &length);
  g_autoptr (GSocket) client = NULL;

  fill (flight);
  g_assert_true (herd_front_add (front, listener, NULL));
  herd_front_start (front);
  client = join (&address, length);
  while (herd_manual_clock_get_n_timers (clock) == 0)
    g_main_context_iteration (NULL, TRUE);
  talk (client, data, size, step, heard);
  g_socket_close (client, NULL);
  /* Whatever it was, the front is rid of it, without its deadline. */
  while (herd_manual_clock_get_n_timers (clock) != 0)
    g_main_context_iteration (NULL, TRUE);
  herd_front_free (front);
  turn_loop ();
  herd_clock_unref (clock);
  return g_byte_array_free_to_bytes (g_steal_pointer (&heard));
}
