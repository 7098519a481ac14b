// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A queue of calls over one connection. link_pump() connects and sends the next message of the first
 * call; every kind of trouble ends in link_lost(). A call's callback may do anything to the link, so
 * a call is out of the queue before it is ended, and nothing is assumed afterwards.
 */
#include "core/responder-link.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/wire.h"
#include "plugin/error.h"

#define REPLY_TIMEOUT (10 * HERD_SECOND)
#define RETRY_FIRST (1 * HERD_SECOND)
#define RETRY_MAX (60 * HERD_SECOND)

/* One answer or withdraw, in one message or several. */
typedef struct {
  GTask *task; /* NULL: nobody waits: a replay, or it was cancelled */
  HerdWireVerb verb;
  GPtrArray *challenges;
  guint done;    /* so many of them are acknowledged */
  guint sent;    /* so many more are in the message on its way */
  gboolean cut;  /* a connection was lost under it once */
  GSource *stop; /* fires when the task's cancellable does */
} Call;

struct _HerdResponderLink {
  GObject parent;
  char *path; /* NULL: a child's descriptor */
  HerdClock *clock;
  int fd; /* -1: not connected */
  GSource *watch;
  guint32 serial;        /* of the last message */
  gboolean waiting;      /* for its reply; it is of the first call */
  guint timer;           /* of the reply, or of the next attempt to connect */
  gint64 retry;          /* how long that attempt waits */
  GQueue calls;          /* Call */
  GHashTable *presented; /* set of HerdChallenge */
  char *buffer;          /* of HERD_WIRE_LIMIT bytes; most of it is never touched */
};

G_DEFINE_FINAL_TYPE (HerdResponderLink, herd_responder_link, G_TYPE_OBJECT)

static void link_pump (HerdResponderLink *link);

/* --- calls --- */

static void
call_free (Call *call)
{
  if (call->stop != NULL) {
    g_source_destroy (call->stop);
    g_source_unref (call->stop);
  }
  g_clear_object (&call->task);
  g_ptr_array_unref (call->challenges);
  g_free (call);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Call, call_free)

/* Takes the challenges of a withdrawal, however it ended, out of the next replay: an answer that was
 * on its way when it began may have put them back. */
static void
link_forget (HerdResponderLink *link, GPtrArray *challenges)
{
  for (guint i = 0; i < challenges->len; i++)
    g_hash_table_remove (link->presented, g_ptr_array_index (challenges, i));
}

/* Ends CALL, which is in no queue any longer. */
static void
link_end (HerdResponderLink *link, Call *call, const GError *error)
{
  g_autoptr (Call) ended = call;
  g_autoptr (GTask) task = g_steal_pointer (&ended->task);

  if (call->verb == HERD_WIRE_WITHDRAW)
    link_forget (link, call->challenges);
  if (task == NULL)
    return;
  if (error != NULL)
    g_task_return_error (task, g_error_copy (error));
  else
    g_task_return_boolean (task, TRUE);
}

static void
link_queue_replay (HerdResponderLink *link, HerdWireVerb verb)
{
  Call *call = g_new0 (Call, 1);

  call->verb = verb;
  call->challenges = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_challenge_unref);
  if (verb == HERD_WIRE_ANSWER) {
    GHashTableIter iter;
    gpointer challenge;

    g_hash_table_iter_init (&iter, link->presented);
    while (g_hash_table_iter_next (&iter, &challenge, NULL))
      g_ptr_array_add (call->challenges, herd_challenge_ref (challenge));
  }
  g_queue_push_head (&link->calls, call);
}

static void
link_remember (HerdResponderLink *link, const Call *call)
{
  for (guint i = call->done; i < call->done + call->sent; i++) {
    HerdChallenge *challenge = g_ptr_array_index (call->challenges, i);

    herd_challenge_promise_sightings (challenge);
    g_hash_table_add (link->presented, herd_challenge_ref (challenge));
  }
}

/* The responder tells of validators that saw what it answers. */
static void
link_note_sightings (HerdResponderLink *link, GPtrArray *seen)
{
  for (guint i = 0; i < seen->len; i++) {
    gpointer known;

    if (g_hash_table_lookup_extended (link->presented, seen->pdata[i], &known, NULL)) {
      g_autoptr (HerdChallenge) challenge = herd_challenge_ref (known);

      herd_challenge_note_sighting (challenge);
    }
  }
}

/* --- the connection --- */

static void
link_disconnect (HerdResponderLink *link)
{
  herd_clock_disarm (link->clock, link->timer);
  link->timer = 0;
  link->waiting = FALSE;
  if (link->watch != NULL) {
    g_source_destroy (link->watch);
    g_clear_pointer (&link->watch, g_source_unref);
  }
  if (link->fd >= 0)
    close (link->fd);
  link->fd = -1;
}

/* The connection is of no use any longer. The call that waits gets a second chance, unless the
 * responder is SILENT: that would only be as long again. */
static void
link_lost (HerdResponderLink *link, const GError *error, gboolean silent)
{
  gboolean was_waiting = link->waiting;
  Call *call;

  link_disconnect (link);
  /* Replays; the next connection makes its own. */
  while ((call = g_queue_peek_head (&link->calls)) != NULL && call->task == NULL)
    call_free (g_queue_pop_head (&link->calls));
  if (call == NULL || !was_waiting)
    return;
  if (call->cut || silent) {
    link_end (link, g_queue_pop_head (&link->calls), error);
  } else {
    call->cut = TRUE;
    call->done = 0;
  }
}

static void
link_unreachable (HerdResponderLink *link, const char *cause, GError **error)
{
  if (link->path != NULL)
    g_set_error (
        error, HERD_ERROR, HERD_ERROR_UNREACHABLE,
        "the responder does not answer at %s: %s; enable certherd-responder.socket (for http-01) "
        "or "
        "certherd-responder-tls.socket (for tls-alpn-01), or set listen in the solver's section",
        link->path, cause);
  else
    g_set_error (error, HERD_ERROR, HERD_ERROR_UNREACHABLE,
                 "the responder does not answer: %s; see its messages, and check listen in the "
                 "sections of the solvers",
                 cause);
}

static gboolean
is_trusted (uid_t uid)
{
  return uid == 0 || uid == geteuid ();
}

/* Key authorizations are no secrets, but who answers for us must not be chosen by others. */
static gboolean
check_peer (HerdResponderLink *link, int fd, GError **error)
{
  struct ucred peer;
  socklen_t length = sizeof peer;
  struct stat status;

  if (getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0
      && stat (link->path, &status) == 0 && is_trusted (status.st_uid)
      && (peer.uid == 0 || peer.uid == status.st_uid))
    return TRUE;
  link_unreachable (link, "whoever listens there is neither root nor this user", error);
  return FALSE;
}

static int
link_open (HerdResponderLink *link, GError **error)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd;

  if (g_strlcpy (address.sun_path, link->path, sizeof address.sun_path)
      >= sizeof address.sun_path) {
    link_unreachable (link, "the path is too long for a socket", error);
    return -1;
  }
  fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0 || connect (fd, (struct sockaddr *) &address, sizeof address) < 0) {
    link_unreachable (link, g_strerror (errno), error);
  } else if (check_peer (link, fd, error)) {
    return fd;
  }
  if (fd >= 0)
    close (fd);
  return -1;
}

static void
link_receive (HerdResponderLink *link)
{
  char *data = link->buffer;
  gssize size = recv (link->fd, data, HERD_WIRE_LIMIT, MSG_DONTWAIT | MSG_TRUNC);
  g_autoptr (HerdWireReply) reply = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) refusal = NULL;
  Call *call = NULL;

  if (size < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (size <= 0) {
    link_unreachable (link, size == 0 ? "it has ended" : g_strerror (errno), &error);
    link_lost (link, error, FALSE);
    link_pump (link);
    return;
  }
  reply = herd_wire_decode_reply (data, (gsize) size, &error);
  if (reply != NULL && reply->seen->len > 0) {
    link_note_sightings (link, reply->seen);
    return;
  }
  if (reply == NULL || !link->waiting || reply->serial != link->serial) {
    g_clear_error (&error);
    link_unreachable (link, "it sent what nobody asked for", &error);
    link_lost (link, error, FALSE);
    link_pump (link);
    return;
  }
  herd_clock_disarm (link->clock, link->timer);
  link->timer = 0;
  link->waiting = FALSE;
  call = g_queue_peek_head (&link->calls);
  if (!reply->ok) {
    g_set_error (&refusal, HERD_ERROR, HERD_ERROR_FAILED, "the responder cannot do it: %s",
                 reply->message);
  } else if (call->verb == HERD_WIRE_ANSWER) {
    link->retry = 0;
    if (call->task != NULL)
      link_remember (link, call);
  }
  call->done += call->sent;
  if (refusal != NULL || call->done >= call->challenges->len)
    link_end (link, g_queue_pop_head (&link->calls), refusal);
  link_pump (link);
}

static gboolean
on_readable (int fd, GIOCondition condition, gpointer data)
{
  g_autoptr (HerdResponderLink) link = g_object_ref (data);

  link_receive (link);
  return G_SOURCE_CONTINUE; /* link_disconnect() destroys it */
}

static void
link_watch (HerdResponderLink *link)
{
  link->watch = g_unix_fd_source_new (link->fd, G_IO_IN | G_IO_HUP | G_IO_ERR);
  g_source_set_callback (link->watch, G_SOURCE_FUNC (on_readable), link, NULL);
  g_source_attach (link->watch, g_main_context_get_thread_default ());
}

/* Connected means: the first messages say all that the other side has to know. */
static gboolean
link_connect (HerdResponderLink *link, GError **error)
{
  if (link->fd >= 0)
    return TRUE;
  if (link->path == NULL) {
    link_unreachable (link, "it has ended", error);
    return FALSE;
  }
  herd_clock_disarm (link->clock, link->timer);
  link->timer = 0;
  link->fd = link_open (link, error);
  if (link->fd < 0)
    return FALSE;
  link_watch (link);
  if (g_hash_table_size (link->presented) > 0)
    link_queue_replay (link, HERD_WIRE_ANSWER);
  link_queue_replay (link, HERD_WIRE_CLEAR);
  return TRUE;
}

static void
reply_overdue (gpointer data)
{
  g_autoptr (HerdResponderLink) link = g_object_ref (data);
  g_autoptr (GError) error = NULL;

  link->timer = 0;
  link_unreachable (link, "no reply within 10 seconds", &error);
  link_lost (link, error, TRUE);
  link_pump (link);
}

/* --- the queue --- */

static GBytes *
link_encode (HerdResponderLink *link, Call *call, GError **error)
{
  g_autoptr (GPtrArray) part = g_ptr_array_new ();

  call->sent = MIN (call->challenges->len - call->done, HERD_WIRE_CHALLENGES_ALWAYS);
  for (guint i = 0; i < call->sent; i++)
    g_ptr_array_add (part, g_ptr_array_index (call->challenges, call->done + i));
  return herd_wire_encode_request (++link->serial, call->verb, part, error);
}

/* Afterwards a reply is waited for, or CALL was ended, or the connection was lost. */
static void
link_send (HerdResponderLink *link, Call *call)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) message = link_encode (link, call, &error);
  gconstpointer data;
  gsize size;

  if (message == NULL) {
    g_queue_remove (&link->calls, call);
    link_end (link, call, error);
    return;
  }
  data = g_bytes_get_data (message, &size);
  link->waiting = TRUE;
  /* Only one message is ever on its way, so a full buffer means a responder that does not read. */
  if (send (link->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL) == (gssize) size) {
    link->timer = herd_clock_arm (link->clock, REPLY_TIMEOUT, reply_overdue, link);
    return;
  }
  link_unreachable (link, g_strerror (errno), &error);
  link_lost (link, error, FALSE);
}

/* Nobody answers challenges where nobody listens, so taking them away has succeeded. */
static void
link_fail_all (HerdResponderLink *link, const GError *error)
{
  GQueue calls = link->calls;
  Call *call;

  g_queue_init (&link->calls);
  while ((call = g_queue_pop_head (&calls)) != NULL)
    link_end (link, call, call->verb == HERD_WIRE_ANSWER ? error : NULL);
}

static void
retry_due (gpointer data)
{
  g_autoptr (HerdResponderLink) link = g_object_ref (data);
  g_autoptr (GError) error = NULL;

  link->timer = 0;
  link_connect (link, &error); /* or link_pump() arms the next attempt */
  link_pump (link);
}

/* Nobody waits, but a validator may be on its way: connect again by ourselves, the first time at
 * once, then ever more rarely until an answer has been acknowledged. */
static void
link_arm_retry (HerdResponderLink *link)
{
  if (link->path == NULL || link->fd >= 0 || link->timer != 0
      || g_hash_table_size (link->presented) == 0)
    return;
  link->timer = herd_clock_arm (link->clock, link->retry, retry_due, link);
  link->retry = CLAMP (link->retry * 2, RETRY_FIRST, RETRY_MAX);
}

static void
link_pump (HerdResponderLink *link)
{
  G_GNUC_UNUSED g_autoptr (HerdResponderLink) held = g_object_ref (link);

  while (!link->waiting && !g_queue_is_empty (&link->calls)) {
    g_autoptr (GError) error = NULL;

    if (link_connect (link, &error))
      link_send (link, g_queue_peek_head (&link->calls));
    else
      link_fail_all (link, error);
  }
  link_arm_retry (link);
}

static gboolean
on_stopped (GCancellable *cancellable, gpointer data)
{
  Call *call = data;
  HerdResponderLink *link = g_task_get_source_object (call->task);
  g_autoptr (GTask) task = g_steal_pointer (&call->task);
  gboolean under_way = link->waiting && g_queue_peek_head (&link->calls) == call;

  /* What is under way goes on: its reply has to be waited for. */
  if (!under_way) {
    g_queue_remove (&link->calls, call);
    call_free (call);
  }
  g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_CANCELLED,
                           "presenting the challenges was cancelled");
  return G_SOURCE_REMOVE;
}

static void
link_call (HerdResponderLink *link, HerdWireVerb verb, GPtrArray *challenges,
           GCancellable *cancellable, GTask *task)
{
  Call *call;

  if (challenges->len == 0) {
    g_task_return_boolean (task, TRUE);
    g_object_unref (task);
    return;
  }
  call = g_new0 (Call, 1);
  call->verb = verb;
  call->challenges = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_challenge_unref);
  for (guint i = 0; i < challenges->len; i++)
    g_ptr_array_add (call->challenges, herd_challenge_ref (g_ptr_array_index (challenges, i)));
  call->task = task;
  if (cancellable != NULL) {
    call->stop = g_cancellable_source_new (cancellable);
    g_source_set_callback (call->stop, G_SOURCE_FUNC (on_stopped), call, NULL);
    g_source_attach (call->stop, g_main_context_get_thread_default ());
  }
  g_queue_push_tail (&link->calls, call);
  link_pump (link);
}

/* --- the face --- */

void
herd_responder_link_answer_async (HerdResponderLink *link, GPtrArray *challenges,
                                  GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer data)
{
  GTask *task = g_task_new (link, NULL, callback, data);

  link_call (link, HERD_WIRE_ANSWER, challenges, cancellable, task);
}

gboolean
herd_responder_link_answer_finish (HerdResponderLink *link, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, link), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
herd_responder_link_withdraw_async (HerdResponderLink *link, GPtrArray *challenges,
                                    GAsyncReadyCallback callback, gpointer data)
{
  GTask *task = g_task_new (link, NULL, callback, data);

  /* Whatever becomes of the call, no replay brings them back. */
  link_forget (link, challenges);
  link_call (link, HERD_WIRE_WITHDRAW, challenges, NULL, task);
}

gboolean
herd_responder_link_withdraw_finish (HerdResponderLink *link, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, link), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
herd_responder_link_set_fd (HerdResponderLink *link, int fd)
{
  g_return_if_fail (link->path == NULL && fd >= 0);
  if (link->fd >= 0) {
    g_autoptr (GError) error = NULL;

    link_unreachable (link, "it was started again", &error);
    link_lost (link, error, FALSE);
  }
  link->fd = fd;
  link_watch (link);
  if (g_hash_table_size (link->presented) > 0)
    link_queue_replay (link, HERD_WIRE_ANSWER);
  link_pump (link);
}

HerdResponderLink *
herd_responder_link_new_socket (const char *path, HerdClock *clock)
{
  HerdResponderLink *link = g_object_new (HERD_TYPE_RESPONDER_LINK, NULL);

  link->path = g_strdup (path);
  link->clock = herd_clock_ref (clock);
  return link;
}

HerdResponderLink *
herd_responder_link_new_fd (int fd, HerdClock *clock)
{
  HerdResponderLink *link = g_object_new (HERD_TYPE_RESPONDER_LINK, NULL);

  link->clock = herd_clock_ref (clock);
  link->fd = fd;
  link_watch (link);
  return link;
}

static void
herd_responder_link_init (HerdResponderLink *link)
{
  link->fd = -1;
  link->buffer = g_malloc (HERD_WIRE_LIMIT);
  g_queue_init (&link->calls);
  link->presented = g_hash_table_new_full (herd_challenge_hash, herd_challenge_equal,
                                           (GDestroyNotify) herd_challenge_unref, NULL);
}

static void
herd_responder_link_finalize (GObject *object)
{
  HerdResponderLink *link = HERD_RESPONDER_LINK (object);

  link_disconnect (link);
  /* Tasks hold the link, so only replays can be left. */
  g_queue_clear_full (&link->calls, (GDestroyNotify) call_free);
  g_hash_table_unref (link->presented);
  g_clear_pointer (&link->clock, herd_clock_unref);
  g_free (link->path);
  g_free (link->buffer);
  G_OBJECT_CLASS (herd_responder_link_parent_class)->finalize (object);
}

static void
herd_responder_link_class_init (HerdResponderLinkClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = herd_responder_link_finalize;
}
