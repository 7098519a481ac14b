// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the agent tells the responder, and what it answers: messages, each after its length (two bytes).
 */
#include <sys/socket.h>

#include "config/wire.h"
#include "fuzz.h"
#include "manual-clock.h"
#include "responder/control.h"

static void
count_closed (gpointer data)
{
  (*(guint *) data)++;
}

static GSocket *
make_socket (int descriptor)
{
  g_autoptr (GError) error = NULL;
  GSocket *socket = g_socket_new_from_fd (descriptor, &error);

  g_assert_no_error (error);
  return socket;
}

static void
turn_loop (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    continue;
}

/* What was understood is said again in the same words. */
static void
check_words (const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdWireRequest) request = herd_wire_decode_request (data, size, &error);
  g_autoptr (HerdWireReply) reply = herd_wire_decode_reply (data, size, NULL);
  g_autoptr (GBytes) again = NULL;

  fuzz_assert_outcome (request != NULL, error);
  if (request != NULL) {
    again = herd_wire_encode_request (request->serial, request->verb, request->challenges, &error);
    g_assert_no_error (error);
    g_assert_cmpmem (g_bytes_get_data (again, NULL), g_bytes_get_size (again), data, size);
  }
  g_assert_true (reply == NULL || g_utf8_validate (reply->message, -1, NULL));
}

/* FALSE: the responder has had enough. */
static gboolean
say (GSocket *agent, const guint8 *data, gsize size)
{
  char reply[HERD_WIRE_LIMIT];
  gssize length;
  g_autoptr (HerdWireReply) read = NULL;

  if (g_socket_send (agent, (const char *) data, size, NULL, NULL) != (gssize) size)
    return FALSE;
  turn_loop ();
  length = g_socket_receive (agent, reply, sizeof reply, NULL, NULL);
  if (length <= 0)
    return FALSE;
  read = herd_wire_decode_reply (reply, (gsize) length, NULL);
  g_assert_nonnull (read);
  fuzz_assert_clean (read->message);
  return TRUE;
}

static void
talk (GSocket *agent, const guint8 *data, gsize size)
{
  for (gsize at = 0; at + 2 < size;) {
    gsize length = data[at] * 256u + data[at + 1];

    length = CLAMP (length, 1, size - at - 2);
    check_words (data + at + 2, length);
    if (!say (agent, data + at + 2, length))
      return;
    at += 2 + length;
  }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static const char *const types[] = { "http-01", "tls-alpn-01", NULL };
  HerdClock *clock = herd_manual_clock_new ();
  g_autoptr (HerdFlight) flight = herd_flight_new ();
  HerdControl *control = herd_control_new (flight, types, clock);
  g_autoptr (GSocket) agent = NULL;
  g_autoptr (GSocket) theirs = NULL;
  guint closed = 0;
  int pair[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), ==, 0);
  agent = make_socket (pair[0]);
  theirs = make_socket (pair[1]);
  g_assert_true (herd_control_add_agent (control, theirs, count_closed, &closed, NULL));
  g_socket_set_blocking (agent, FALSE);
  talk (agent, data, size);
  g_assert_cmpuint (herd_flight_get_size (flight), <=, HERD_FLIGHT_LIMIT);
  herd_control_free (control);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (clock), ==, 0);
  herd_clock_unref (clock);
  return 0;
}
