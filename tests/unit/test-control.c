// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The control side in this process, with a clock that the test moves: how long challenges outlive the
 * agent that presented them.
 */
#include "responder/control.h"

#include <string.h>
#include <sys/socket.h>

#include "config/wire.h"
#include "manual-clock.h"

#define TOKEN "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"

typedef struct {
  HerdClock *clock;
  HerdFlight *flight;
  HerdControl *control;
  guint closed;
} Fixture;

static void
setup (Fixture *fixture, gconstpointer data)
{
  static const char *const types[] = { "http-01", NULL };

  fixture->clock = herd_manual_clock_new ();
  fixture->flight = herd_flight_new ();
  fixture->control = herd_control_new (fixture->flight, types, fixture->clock);
}

static void
teardown (Fixture *fixture, gconstpointer data)
{
  herd_control_free (fixture->control);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->clock), ==, 0);
  herd_flight_free (fixture->flight);
  herd_clock_unref (fixture->clock);
}

static void
count_closed (gpointer data)
{
  Fixture *fixture = data;

  fixture->closed++;
}

static GSocket *
join (Fixture *fixture)
{
  g_autoptr (GSocket) theirs = NULL;
  g_autoptr (GError) error = NULL;
  GSocket *ours;
  int pair[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), ==, 0);
  ours = g_socket_new_from_fd (pair[0], &error);
  theirs = g_socket_new_from_fd (pair[1], &error);
  g_socket_set_blocking (ours, FALSE);
  herd_control_add_agent (fixture->control, theirs, count_closed, fixture, &error);
  g_assert_no_error (error);
  return ours;
}

static void
tell (GSocket *agent, HerdWireVerb verb, guint count)
{
  g_autoptr (GPtrArray)
      challenges = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_challenge_unref);
  g_autoptr (GBytes) request = NULL;
  g_autoptr (HerdWireReply) reply = NULL;
  char data[2048];
  gssize size;

  for (guint i = 0; i < count; i++) {
    g_autofree char *name = g_strdup_printf ("%u.example", i);

    g_ptr_array_add (challenges, herd_challenge_new ("http-01", name, TOKEN, TOKEN ".x"));
  }
  request = herd_wire_encode_request (1, verb, challenges, NULL);
  g_socket_send (agent, g_bytes_get_data (request, NULL), g_bytes_get_size (request), NULL, NULL);
  while ((size = g_socket_receive (agent, data, sizeof data, NULL, NULL)) < 0)
    g_main_context_iteration (NULL, TRUE);
  reply = herd_wire_decode_reply (data, (gsize) size, NULL);
  g_assert_nonnull (reply);
  g_assert_true (reply->ok);
}

static void
leave (Fixture *fixture, GSocket *agent)
{
  guint expected = fixture->closed + 1;

  g_socket_close (agent, NULL);
  while (fixture->closed < expected)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_orphans (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSocket) agent = join (fixture);
  g_autoptr (GSocket) other = join (fixture);

  tell (agent, HERD_WIRE_ANSWER, 3);
  tell (other, HERD_WIRE_WITHDRAW, 1);
  g_assert_cmpuint (herd_flight_get_size (fixture->flight), ==, 2);
  herd_manual_clock_advance (fixture->clock, 10 * HERD_CONTROL_ORPHANED);
  g_assert_cmpuint (herd_flight_get_size (fixture->flight), ==, 2);
  leave (fixture, agent);
  /* The other one presented nothing, so it will not take them away. */
  herd_manual_clock_advance (fixture->clock, HERD_CONTROL_ORPHANED - 1);
  g_assert_cmpuint (herd_flight_get_size (fixture->flight), ==, 2);
  herd_manual_clock_advance (fixture->clock, 1);
  g_assert_cmpuint (herd_flight_get_size (fixture->flight), ==, 0);
}

static void
test_back_again (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSocket) first = join (fixture);
  g_autoptr (GSocket) second = NULL;

  tell (first, HERD_WIRE_ANSWER, 3);
  leave (fixture, first);
  herd_manual_clock_advance (fixture->clock, HERD_CONTROL_ORPHANED - 1);
  second = join (fixture);
  tell (second, HERD_WIRE_CLEAR, 0);
  g_assert_cmpuint (herd_flight_get_size (fixture->flight), ==, 0);
  tell (second, HERD_WIRE_ANSWER, 2);
  herd_manual_clock_advance (fixture->clock, HERD_CONTROL_ORPHANED);
  g_assert_cmpuint (herd_flight_get_size (fixture->flight), ==, 2);
}

/* --- sightings --- */

/* The next message for AGENT, which is there; NULL: it is not. */
static HerdWireReply *
hear (GSocket *agent)
{
  char data[HERD_WIRE_LIMIT];
  gssize size = g_socket_receive (agent, data, sizeof data, NULL, NULL);

  return size > 0 ? herd_wire_decode_reply (data, (gsize) size, NULL) : NULL;
}

static void
see (Fixture *fixture, const char *identifier)
{
  HerdChallenge *challenge = herd_flight_find (fixture->flight, "http-01", TOKEN, identifier);

  g_assert_nonnull (challenge);
  herd_flight_note_sighting (fixture->flight, challenge);
}

/* What is seen at nearly the same time is told in one message, to those who presented something. */
static void
test_sightings (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSocket) agent = join (fixture);
  g_autoptr (GSocket) other = join (fixture);
  g_autoptr (HerdWireReply) notice = NULL;

  tell (agent, HERD_WIRE_ANSWER, 2);
  tell (other, HERD_WIRE_WITHDRAW, 0);
  see (fixture, "0.example");
  see (fixture, "1.example");
  see (fixture, "1.example");
  g_assert_null (hear (agent));
  herd_manual_clock_advance (fixture->clock, HERD_CONTROL_TOGETHER);
  notice = hear (agent);
  g_assert_nonnull (notice);
  g_assert_cmpuint (notice->serial, ==, 0);
  g_assert_cmpuint (notice->seen->len, ==, 3);
  g_assert_cmpstr (((HerdChallenge *) notice->seen->pdata[0])->identifier, ==, "0.example");
  g_assert_cmpstr (((HerdChallenge *) notice->seen->pdata[2])->identifier, ==, "1.example");
  g_assert_null (hear (agent));
  g_assert_null (hear (other));
}

/* Somebody who knows a token asks for it all day: that is not told all day. */
static void
test_endless_sightings (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSocket) agent = join (fixture);
  guint told = 0;

  tell (agent, HERD_WIRE_ANSWER, 3);
  for (guint i = 0; i < 1000; i++) {
    see (fixture, "0.example");
    see (fixture, "1.example");
    see (fixture, "2.example");
  }
  herd_manual_clock_advance (fixture->clock, HERD_CONTROL_TOGETHER);
  for (;;) {
    g_autoptr (HerdWireReply) notice = hear (agent);

    if (notice == NULL)
      break;
    g_assert_cmpuint (notice->seen->len, <=, HERD_WIRE_CHALLENGES_ALWAYS);
    told += notice->seen->len;
  }
  g_assert_cmpuint (told, ==, 3 * HERD_FLIGHT_SIGHTINGS);
}

/* An agent that does not read loses sightings, and nothing else: the responder does not wait. */
static void
test_deaf_agent (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSocket) deaf = join (fixture);
  g_autoptr (GSocket) agent = join (fixture);

  tell (deaf, HERD_WIRE_ANSWER, 1);
  tell (agent, HERD_WIRE_ANSWER, 1);
  for (guint i = 0; i < 5000; i++) {
    g_autoptr (HerdWireReply) notice = NULL;

    tell (agent, HERD_WIRE_ANSWER, 1); /* counted anew */
    see (fixture, "0.example");
    herd_manual_clock_advance (fixture->clock, HERD_CONTROL_TOGETHER);
    notice = hear (agent);
    g_assert_nonnull (notice);
  }
}

static void
test_full (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray)
      challenges = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_challenge_unref);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < HERD_FLIGHT_LIMIT; i++) {
    g_autofree char *name = g_strdup_printf ("%u.example", i);

    g_ptr_array_add (challenges, herd_challenge_new ("http-01", name, TOKEN, TOKEN ".x"));
  }
  g_assert_true (herd_flight_add (fixture->flight, challenges, &error));
  g_ptr_array_set_size (challenges, 1);
  g_assert_false (herd_flight_add (fixture->flight, challenges, &error));
  g_assert_nonnull (error);
  g_assert_cmpuint (herd_flight_get_size (fixture->flight), ==, HERD_FLIGHT_LIMIT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add ("/control/" name, Fixture, NULL, setup, function, teardown)
  ADD ("orphans", test_orphans);
  ADD ("back-again", test_back_again);
  ADD ("sightings", test_sightings);
  ADD ("endless-sightings", test_endless_sightings);
  ADD ("deaf-agent", test_deaf_agent);
  ADD ("full", test_full);
  return g_test_run ();
}
