// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The agent's end of the control socket against the real certherd-responder, which is killed and started
 * again under it; and against sockets that say nothing, or the wrong thing.
 */
#include "core/responder-link.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "manual-clock.h"
#include "plugin/error.h"
#include "responder-process.h"

#define PATH "/.well-known/acme-challenge/"

static void
keep_result (GObject *source, GAsyncResult *result, gpointer data)
{
  GAsyncResult **kept = data;

  g_assert_null (*kept);
  *kept = g_object_ref (result);
}

static gboolean
wait_for_answer (HerdResponderLink *link, GAsyncResult **result, GError **error)
{
  gboolean ok;

  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
  ok = herd_responder_link_answer_finish (link, *result, error);
  g_clear_object (result);
  return ok;
}

static GPtrArray *
make_challenges (guint count)
{
  GPtrArray *challenges = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_challenge_unref);

  for (guint i = 0; i < count; i++) {
    g_autofree char *identifier = g_strdup_printf ("host-%u.example.org", i);
    g_autofree char *name = g_strdup_printf ("t%u", i);

    g_ptr_array_add (challenges, responder_process_make_challenge (identifier, name));
  }
  return challenges;
}

static gboolean
answer (HerdResponderLink *link, GPtrArray *challenges, GError **error)
{
  GAsyncResult *result = NULL;

  herd_responder_link_answer_async (link, challenges, NULL, keep_result, &result);
  return wait_for_answer (link, &result, error);
}

static gboolean
withdraw (HerdResponderLink *link, GPtrArray *challenges, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  herd_responder_link_withdraw_async (link, challenges, keep_result, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return herd_responder_link_withdraw_finish (link, result, error);
}

/* Does the responder answer CHALLENGE now? */
static gboolean
is_served (ResponderProcess *process, const HerdChallenge *challenge)
{
  g_autofree char *request = g_strdup_printf ("GET " PATH "%s HTTP/1.1\r\nHost: %s\r\n\r\n",
                                              challenge->token, challenge->identifier);
  g_autofree char *reply = responder_process_exchange (process->port, FALSE, request, -1);

  g_assert_nonnull (reply);
  return g_str_has_prefix (reply, "HTTP/1.1 200 ")
         && g_str_has_suffix (reply, challenge->key_authorization);
}

typedef struct {
  ResponderProcess *process;
  HerdClock *clock;
  HerdResponderLink *link;
} Fixture;

static void
setup (Fixture *fixture, gconstpointer data)
{
  fixture->process = responder_process_new ();
  responder_process_open_sockets (fixture->process);
  fixture->clock = herd_clock_new_system ();
  fixture->link = herd_responder_link_new_socket (fixture->process->socket_path, fixture->clock);
}

static void
teardown (Fixture *fixture, gconstpointer data)
{
  g_assert_finalize_object (fixture->link);
  herd_clock_unref (fixture->clock);
  responder_process_free (fixture->process);
}

static void
start (Fixture *fixture)
{
  responder_process_start_inherited (fixture->process, NULL);
  g_assert_true (responder_process_wait_ready (fixture->process));
}

static void
test_there_and_back (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) challenges = make_challenges (3);
  g_autoptr (GPtrArray) nothing = make_challenges (0);
  g_autoptr (GPtrArray) one = make_challenges (1);
  g_autoptr (GError) error = NULL;

  start (fixture);
  g_assert_true (answer (fixture->link, challenges, &error));
  g_assert_no_error (error);
  for (guint i = 0; i < challenges->len; i++)
    g_assert_true (is_served (fixture->process, g_ptr_array_index (challenges, i)));
  g_assert_true (answer (fixture->link, challenges, &error));
  g_assert_true (answer (fixture->link, nothing, &error));
  g_assert_true (withdraw (fixture->link, one, &error));
  g_assert_true (withdraw (fixture->link, one, &error));
  g_assert_no_error (error);
  g_assert_false (is_served (fixture->process, g_ptr_array_index (challenges, 0)));
  g_assert_true (is_served (fixture->process, g_ptr_array_index (challenges, 1)));
}

static void
count_sighting (HerdChallenge *challenge G_GNUC_UNUSED, gpointer data)
{
  (*(guint *) data)++;
}

/* Who presented a challenge hears of everyone who saw it, and of nobody who saw nothing; also from the next
 * responder. */
static void
test_sightings (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) challenges = make_challenges (2);
  g_autoptr (GPtrArray) unknown = make_challenges (3);
  g_autoptr (GError) error = NULL;
  guint seen[2] = { 0 };

  start (fixture);
  for (guint i = 0; i < 2; i++) {
    herd_challenge_set_watcher (challenges->pdata[i], count_sighting, &seen[i]);
    g_assert_false (herd_challenge_has_promise (challenges->pdata[i]));
  }
  g_assert_true (answer (fixture->link, challenges, &error));
  g_assert_true (herd_challenge_has_promise (challenges->pdata[0]));
  g_assert_false (is_served (fixture->process, unknown->pdata[2]));
  g_assert_true (is_served (fixture->process, challenges->pdata[1]));
  while (seen[1] == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (seen[0], ==, 0);

  g_assert_cmpint (responder_process_stop (fixture->process, SIGKILL), ==, -SIGKILL);
  start (fixture);
  while (!is_served (fixture->process, challenges->pdata[0]))
    g_main_context_iteration (NULL, TRUE);
  while (seen[0] == 0)
    g_main_context_iteration (NULL, TRUE);
  /* A call works as before, with notices before its reply. */
  g_assert_true (is_served (fixture->process, challenges->pdata[1]));
  g_assert_true (withdraw (fixture->link, challenges, &error));
  g_assert_no_error (error);
  for (guint i = 0; i < 2; i++)
    herd_challenge_set_watcher (challenges->pdata[i], NULL, NULL);
}

/* More than a message holds. */
static void
test_many (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) challenges = make_challenges (1000);
  g_autoptr (GError) error = NULL;

  start (fixture);
  g_assert_true (answer (fixture->link, challenges, &error));
  g_assert_no_error (error);
  g_assert_true (is_served (fixture->process, g_ptr_array_index (challenges, 0)));
  g_assert_true (is_served (fixture->process, g_ptr_array_index (challenges, 999)));
  g_assert_true (withdraw (fixture->link, challenges, &error));
  g_assert_false (is_served (fixture->process, g_ptr_array_index (challenges, 999)));
}

/* Calls that do not wait for each other keep their order. */
static void
test_queue (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) challenges = make_challenges (200);
  GAsyncResult *results[5] = { NULL };
  g_autoptr (GError) error = NULL;

  start (fixture);
  for (guint i = 0; i < 5; i++) {
    if (i % 2 == 0)
      herd_responder_link_answer_async (fixture->link, challenges, NULL, keep_result, &results[i]);
    else
      herd_responder_link_withdraw_async (fixture->link, challenges, keep_result, &results[i]);
  }
  for (guint i = 0; i < 5; i++) {
    g_assert_true (wait_for_answer (fixture->link, &results[i], &error));
    g_assert_no_error (error);
  }
  g_assert_true (is_served (fixture->process, g_ptr_array_index (challenges, 199)));
}

/* The responder dies with challenges in flight: nobody calls, and the next one has them all. */
static void
test_killed (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) challenges = make_challenges (100);
  g_autoptr (GPtrArray) withdrawn = make_challenges (1);
  g_autoptr (GError) error = NULL;

  start (fixture);
  g_assert_true (answer (fixture->link, challenges, &error));
  g_assert_true (withdraw (fixture->link, withdrawn, &error));
  for (guint round = 0; round < 2; round++) {
    g_assert_cmpint (responder_process_stop (fixture->process, SIGKILL), ==, -SIGKILL);
    start (fixture);
    for (guint i = 1; i < challenges->len; i++) {
      while (!is_served (fixture->process, g_ptr_array_index (challenges, i)))
        g_main_context_iteration (NULL, TRUE);
    }
    g_assert_false (is_served (fixture->process, g_ptr_array_index (challenges, 0)));
  }
}

/* It dies while an answer is on its way: the call is carried out by the next one. */
static void
test_cut (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) first = make_challenges (1);
  g_autoptr (GPtrArray) challenges = make_challenges (300);
  GAsyncResult *result = NULL;
  g_autoptr (GError) error = NULL;

  start (fixture);
  g_assert_true (answer (fixture->link, first, &error));
  g_assert_cmpint (kill (fixture->process->pid, SIGSTOP), ==, 0);
  herd_responder_link_answer_async (fixture->link, challenges, NULL, keep_result, &result);
  g_assert_cmpint (responder_process_stop (fixture->process, SIGKILL), ==, -SIGKILL);
  start (fixture);
  g_assert_true (wait_for_answer (fixture->link, &result, &error));
  g_assert_no_error (error);
  g_assert_true (is_served (fixture->process, g_ptr_array_index (first, 0)));
  g_assert_true (is_served (fixture->process, g_ptr_array_index (challenges, 299)));
}

/* What an agent before us presented goes with our first word. */
static void
test_new_agent (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) old = make_challenges (2);
  g_autoptr (GPtrArray) first = make_challenges (1);
  g_autoptr (HerdResponderLink)
      before = herd_responder_link_new_socket (fixture->process->socket_path, fixture->clock);
  g_autoptr (GError) error = NULL;

  start (fixture);
  g_assert_true (answer (before, old, &error));
  g_assert_true (answer (fixture->link, first, &error));
  g_assert_true (is_served (fixture->process, g_ptr_array_index (old, 0)));
  g_assert_false (is_served (fixture->process, g_ptr_array_index (old, 1)));
}

static void
test_cancel (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) challenges = make_challenges (2);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GAsyncResult *under_way = NULL;
  GAsyncResult *queued = NULL;
  g_autoptr (GError) error = NULL;

  start (fixture);
  g_assert_cmpint (kill (fixture->process->pid, SIGSTOP), ==, 0);
  herd_responder_link_answer_async (fixture->link, challenges, cancellable, keep_result,
                                    &under_way);
  herd_responder_link_answer_async (fixture->link, challenges, cancellable, keep_result, &queued);
  g_cancellable_cancel (cancellable);
  g_assert_false (wait_for_answer (fixture->link, &under_way, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_false (wait_for_answer (fixture->link, &queued, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_cmpint (kill (fixture->process->pid, SIGCONT), ==, 0);
  g_assert_true (withdraw (fixture->link, challenges, &error));
  g_assert_no_error (error);
  g_assert_false (is_served (fixture->process, g_ptr_array_index (challenges, 0)));
}

/* --- without a responder --- */

static void
test_absent (void)
{
  g_autoptr (HerdClock) clock = herd_manual_clock_new ();
  g_autoptr (HerdResponderLink)
      link = herd_responder_link_new_socket ("/nonexistent/responder", clock);
  g_autoptr (GPtrArray) challenges = make_challenges (2);
  g_autoptr (GError) error = NULL;

  g_assert_false (answer (link, challenges, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_UNREACHABLE);
  g_assert_nonnull (strstr (error->message, "/nonexistent/responder"));
  g_assert_nonnull (strstr (error->message, "enable certherd-responder.socket"));
  g_clear_error (&error);
  /* Nobody answers them: that is what was wanted. */
  g_assert_true (withdraw (link, challenges, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (clock), ==, 0);
}

static void
test_silent (void)
{
  g_autoptr (HerdClock) clock = herd_manual_clock_new ();
  g_autoptr (ResponderProcess) process = responder_process_new ();
  g_autoptr (HerdResponderLink) link = NULL;
  g_autoptr (GPtrArray) challenges = make_challenges (2);
  GAsyncResult *result = NULL;
  g_autoptr (GError) error = NULL;

  responder_process_open_sockets (process); /* and nobody accepts */
  link = herd_responder_link_new_socket (process->socket_path, clock);
  herd_responder_link_answer_async (link, challenges, NULL, keep_result, &result);
  g_assert_cmpint (herd_manual_clock_get_next (clock), ==, 10 * HERD_SECOND);
  herd_manual_clock_advance (clock, 10 * HERD_SECOND);
  g_assert_false (wait_for_answer (link, &result, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_UNREACHABLE);
  g_assert_nonnull (strstr (error->message, "10 seconds"));
  g_assert_cmpuint (herd_manual_clock_get_n_timers (clock), ==, 0);
}

/* Somebody else's socket in our place. */
static void
test_stranger (void)
{
  g_autoptr (HerdClock) clock = herd_manual_clock_new ();
  g_autoptr (ResponderProcess) process = responder_process_new ();
  g_autoptr (HerdResponderLink) link = NULL;
  g_autoptr (GPtrArray) challenges = make_challenges (1);
  g_autoptr (GError) error = NULL;

  if (geteuid () != 0) {
    g_test_message ("without root, there is no other user to be");
    return;
  }
  responder_process_open_sockets (process);
  g_assert_cmpint (chown (process->socket_path, 12345, 12345), ==, 0);
  link = herd_responder_link_new_socket (process->socket_path, clock);
  g_assert_false (answer (link, challenges, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_UNREACHABLE);
  g_assert_nonnull (strstr (error->message, "neither root nor this user"));
}

static void
reply_to_next (int fd, guint32 serial_change, gboolean ok, const char *message)
{
  char data[HERD_WIRE_LIMIT];
  gssize size = recv (fd, data, sizeof data, 0);
  g_autoptr (HerdWireRequest) request = herd_wire_decode_request (data, (gsize) size, NULL);
  g_autoptr (GBytes) reply = NULL;

  g_assert_nonnull (request);
  reply = herd_wire_encode_reply (request->serial + serial_change, ok, message);
  g_assert_cmpint (send (fd, g_bytes_get_data (reply, NULL), g_bytes_get_size (reply), 0), >, 0);
}

static void
test_child (void)
{
  g_autoptr (HerdClock) clock = herd_manual_clock_new ();
  g_autoptr (HerdResponderLink) link = NULL;
  g_autoptr (GPtrArray) challenges = make_challenges (1);
  GAsyncResult *result = NULL;
  g_autoptr (GError) error = NULL;
  int pair[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), ==, 0);
  link = herd_responder_link_new_fd (pair[0], clock);
  /* It refuses. */
  herd_responder_link_answer_async (link, challenges, NULL, keep_result, &result);
  reply_to_next (pair[1], 0, FALSE, "no socket");
  g_assert_false (wait_for_answer (link, &result, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "no socket"));
  g_clear_error (&error);
  /* It obeys. */
  herd_responder_link_answer_async (link, challenges, NULL, keep_result, &result);
  reply_to_next (pair[1], 0, TRUE, "");
  g_assert_true (wait_for_answer (link, &result, &error));
  /* It answers what nobody asked. */
  herd_responder_link_answer_async (link, challenges, NULL, keep_result, &result);
  reply_to_next (pair[1], 7, TRUE, "");
  g_assert_false (wait_for_answer (link, &result, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_UNREACHABLE);
  g_clear_error (&error);
  close (pair[1]);
  /* It has ended, until it is started again: then it hears what is presented. */
  g_assert_false (answer (link, challenges, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_UNREACHABLE);
  g_clear_error (&error);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), ==, 0);
  herd_responder_link_set_fd (link, pair[0]);
  reply_to_next (pair[1], 0, TRUE, "");
  close (pair[1]);
}

/* Nobody calls and nobody listens: attempts grow rarer, and stop when nothing is presented. */
static void
test_retries (void)
{
  g_autoptr (HerdClock) clock = herd_manual_clock_new ();
  g_autoptr (ResponderProcess) process = responder_process_new ();
  g_autoptr (HerdResponderLink) link = NULL;
  g_autoptr (GPtrArray) challenges = make_challenges (1);
  GAsyncResult *result = NULL;
  g_autoptr (GError) error = NULL;
  static const gint64 delays[] = { 0, 1, 2, 4, 8, 16, 32, 60, 60 };
  int fd;

  responder_process_open_sockets (process);
  link = herd_responder_link_new_socket (process->socket_path, clock);
  herd_responder_link_answer_async (link, challenges, NULL, keep_result, &result);
  fd = accept (process->control, NULL, NULL);
  reply_to_next (fd, 0, TRUE, ""); /* clear */
  while (herd_manual_clock_get_next (clock) < 0
         || recv (fd, &(char){ 0 }, 1, MSG_PEEK | MSG_DONTWAIT) < 0)
    g_main_context_iteration (NULL, TRUE);
  reply_to_next (fd, 0, TRUE, "");
  g_assert_true (wait_for_answer (link, &result, &error));
  close (process->control);
  process->control = -1;
  close (fd);
  while (herd_manual_clock_get_n_timers (clock) == 0)
    g_main_context_iteration (NULL, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (delays); i++) {
    g_assert_cmpint (herd_manual_clock_get_next (clock), ==, delays[i] * HERD_SECOND);
    herd_manual_clock_advance (clock, delays[i] * HERD_SECOND);
    if (i == 0) /* the first one is due at once, and is followed within the same advance */
      g_assert_cmpuint (herd_manual_clock_get_n_timers (clock), ==, 1);
  }
  g_assert_true (withdraw (link, challenges, &error));
  herd_manual_clock_advance (clock, 100 * HERD_SECOND);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (clock), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/responder-link/" name, Fixture, NULL, setup, function, teardown)
  ADD ("there-and-back", test_there_and_back);
  ADD ("sightings", test_sightings);
  ADD ("many", test_many);
  ADD ("queue", test_queue);
  ADD ("killed", test_killed);
  ADD ("cut", test_cut);
  ADD ("new-agent", test_new_agent);
  ADD ("cancel", test_cancel);
  g_test_add_func ("/responder-link/absent", test_absent);
  g_test_add_func ("/responder-link/silent", test_silent);
  g_test_add_func ("/responder-link/stranger", test_stranger);
  g_test_add_func ("/responder-link/child", test_child);
  g_test_add_func ("/responder-link/retries", test_retries);
  return g_test_run ();
}
