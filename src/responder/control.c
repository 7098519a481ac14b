// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The control side of the responder.
 */
#include "responder/control.h"

#include <gio/gunixsocketaddress.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/wire.h"
#include "plugin/error.h"

struct HerdControl {
  HerdFlight *flight;
  const char *const *types;
  HerdClock *clock;
  GSocket *listener;
  GSource *accepting;
  uid_t owner;     /* of the listener's file */
  GQueue peers;    /* Peer */
  guint timer;     /* until orphaned challenges go */
  GPtrArray *seen; /* HerdChallenge: sightings that are not told yet */
  guint telling;   /* until they are */
  void (*closed) (gpointer data);
  gpointer closed_data;
};

typedef struct {
  HerdControl *control;
  GList link; /* in peers */
  GSocket *socket;
  GSource *source;
  gboolean presented;
} Peer;

static void
orphans_overdue (gpointer data)
{
  HerdControl *control = data;

  control->timer = 0;
  herd_flight_clear (control->flight);
}

/* While nobody is there who would withdraw them, challenges have an end of their own. */
static void
control_watch_orphans (HerdControl *control)
{
  gboolean held = FALSE;

  for (GList *i = control->peers.head; i != NULL; i = i->next)
    held = held || ((Peer *) i->data)->presented;
  if (held || herd_flight_get_size (control->flight) == 0) {
    herd_clock_disarm (control->clock, control->timer);
    control->timer = 0;
  } else if (control->timer == 0) {
    control->timer = herd_clock_arm (control->clock, HERD_CONTROL_ORPHANED, orphans_overdue,
                                     control);
  }
}

static void
peer_free (Peer *peer)
{
  g_queue_unlink (&peer->control->peers, &peer->link);
  g_source_destroy (peer->source);
  g_source_unref (peer->source);
  g_object_unref (peer->socket);
  g_free (peer);
}

static void
peer_gone (Peer *peer)
{
  HerdControl *control = peer->control;

  peer_free (peer);
  control_watch_orphans (control);
  if (control->closed != NULL)
    control->closed (control->closed_data);
}

/* --- sightings --- */

/* Best effort: whoever is not told asks the CA a little later. So a peer that does not read is not
 * waited for. */
static void
control_tell (HerdControl *control)
{
  g_autoptr (GBytes) notice = herd_wire_encode_notice (control->seen);
  gsize size;
  const char *data = g_bytes_get_data (notice, &size);

  for (GList *i = control->peers.head; i != NULL; i = i->next) {
    const Peer *peer = i->data;

    if (peer->presented)
      g_socket_send (peer->socket, data, size, NULL, NULL);
  }
  g_ptr_array_set_size (control->seen, 0);
}

static void
telling_due (gpointer data)
{
  HerdControl *control = data;

  control->telling = 0;
  if (control->seen->len > 0)
    control_tell (control);
}

static void
on_sighting (HerdChallenge *challenge, gpointer data)
{
  HerdControl *control = data;

  g_ptr_array_add (control->seen, herd_challenge_ref (challenge));
  if (control->seen->len >= HERD_WIRE_CHALLENGES_ALWAYS)
    control_tell (control);
  if (control->telling == 0)
    control->telling = herd_clock_arm (control->clock, HERD_CONTROL_TOGETHER, telling_due, control);
}

/* --- requests --- */

static gboolean
check_types (HerdControl *control, GPtrArray *challenges, GError **error)
{
  for (guint i = 0; i < challenges->len; i++) {
    const HerdChallenge *challenge = g_ptr_array_index (challenges, i);

    if (!g_strv_contains (control->types, challenge->type)) {
      g_set_error (error, HERD_ERROR, HERD_ERROR_UNREACHABLE,
                   "it has no socket to answer %s on; enable %s, or set [solver %s] listen",
                   challenge->type,
                   g_str_has_prefix (challenge->type, "tls-") ? "certherd-responder-tls.socket"
                                                              : "certherd-responder.socket",
                   challenge->type);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
peer_obey (Peer *peer, const HerdWireRequest *request, GError **error)
{
  HerdControl *control = peer->control;

  switch (request->verb) {
  case HERD_WIRE_ANSWER:
    if (!check_types (control, request->challenges, error)
        || !herd_flight_add (control->flight, request->challenges, error))
      return FALSE;
    peer->presented = TRUE;
    break;
  case HERD_WIRE_WITHDRAW:
    herd_flight_remove (control->flight, request->challenges);
    break;
  case HERD_WIRE_CLEAR:
    herd_flight_clear (control->flight);
    break;
  }
  control_watch_orphans (control);
  return TRUE;
}

static gboolean
peer_reply (Peer *peer, guint32 serial, const GError *error)
{
  g_autoptr (GBytes)
      reply = herd_wire_encode_reply (serial, error == NULL, error != NULL ? error->message : "");
  gsize size;
  const char *data = g_bytes_get_data (reply, &size);

  return g_socket_send (peer->socket, data, size, NULL, NULL) == (gssize) size;
}

/* FALSE: the peer has gone, or must. */
static gboolean
peer_serve (Peer *peer)
{
  /* One byte more than is allowed shows that there was more. */
  g_autofree char *data = g_malloc (HERD_WIRE_LIMIT + 1);
  g_autoptr (HerdWireRequest) request = NULL;
  g_autoptr (GError) error = NULL;
  gssize size = g_socket_receive (peer->socket, data, HERD_WIRE_LIMIT + 1, NULL, &error);

  if (size < 0)
    return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  if (size == 0)
    return FALSE;
  request = herd_wire_decode_request (data, (gsize) size, &error);
  if (request == NULL) {
    peer_reply (peer, 0, error);
    return FALSE;
  }
  peer_obey (peer, request, &error);
  return peer_reply (peer, request->serial, error);
}

static gboolean
on_request (GSocket *socket, GIOCondition condition, gpointer data)
{
  Peer *peer = data;

  if (peer_serve (peer))
    return G_SOURCE_CONTINUE;
  peer_gone (peer);
  return G_SOURCE_REMOVE;
}

static void
control_add_peer (HerdControl *control, GSocket *socket)
{
  Peer *peer = g_new0 (Peer, 1);

  g_socket_set_blocking (socket, FALSE);
  peer->control = control;
  peer->socket = g_object_ref (socket);
  peer->link.data = peer;
  g_queue_push_tail_link (&control->peers, &peer->link);
  peer->source = g_socket_create_source (socket, G_IO_IN, NULL);
  g_source_set_callback (peer->source, G_SOURCE_FUNC (on_request), peer, NULL);
  g_source_attach (peer->source, NULL);
}

/* --- connections --- */

static gboolean
is_allowed (HerdControl *control, GSocket *socket)
{
  g_autoptr (GCredentials) credentials = g_socket_get_credentials (socket, NULL);
  uid_t uid = credentials != NULL ? g_credentials_get_unix_user (credentials, NULL) : (uid_t) -1;

  return uid != (uid_t) -1 && (uid == 0 || uid == geteuid () || uid == control->owner);
}

static gboolean
on_connection (GSocket *listener, GIOCondition condition, gpointer data)
{
  HerdControl *control = data;
  g_autoptr (GSocket) socket = g_socket_accept (listener, NULL, NULL);

  if (socket != NULL && control->peers.length < HERD_CONTROL_CONNECTIONS
      && is_allowed (control, socket))
    control_add_peer (control, socket);
  return G_SOURCE_CONTINUE;
}

static gboolean
check_kind (GSocket *socket, GError **error)
{
  if (g_socket_get_family (socket) == G_SOCKET_FAMILY_UNIX
      && g_socket_get_socket_type (socket) == G_SOCKET_TYPE_SEQPACKET)
    return TRUE;
  g_set_error_literal (
      error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
      "the control socket is not a SOCK_SEQPACKET Unix socket; in the socket unit, "
      "use ListenSequentialPacket=");
  return FALSE;
}

/* The owner of the file at which SOCKET listens, or root. */
static uid_t
find_owner (GSocket *socket)
{
  g_autoptr (GSocketAddress) address = g_socket_get_local_address (socket, NULL);
  struct stat status;

  if (address != NULL && G_IS_UNIX_SOCKET_ADDRESS (address)
      && g_unix_socket_address_get_address_type (G_UNIX_SOCKET_ADDRESS (address))
             == G_UNIX_SOCKET_ADDRESS_PATH
      && stat (g_unix_socket_address_get_path (G_UNIX_SOCKET_ADDRESS (address)), &status) == 0)
    return status.st_uid;
  return 0;
}

gboolean
herd_control_add_listener (HerdControl *control, GSocket *socket, GError **error)
{
  if (!check_kind (socket, error))
    return FALSE;
  g_socket_set_blocking (socket, FALSE);
  control->owner = find_owner (socket);
  control->listener = g_object_ref (socket);
  control->accepting = g_socket_create_source (socket, G_IO_IN, NULL);
  g_source_set_callback (control->accepting, G_SOURCE_FUNC (on_connection), control, NULL);
  g_source_attach (control->accepting, NULL);
  return TRUE;
}

gboolean
herd_control_add_agent (HerdControl *control, GSocket *socket, void (*closed) (gpointer),
                        gpointer data, GError **error)
{
  if (!check_kind (socket, error))
    return FALSE;
  control->closed = closed;
  control->closed_data = data;
  control_add_peer (control, socket);
  return TRUE;
}

HerdControl *
herd_control_new (HerdFlight *flight, const char *const *types, HerdClock *clock)
{
  HerdControl *control = g_new0 (HerdControl, 1);

  control->flight = flight;
  control->types = types;
  control->clock = herd_clock_ref (clock);
  g_queue_init (&control->peers);
  control->seen = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_challenge_unref);
  herd_flight_set_watcher (flight, on_sighting, control);
  return control;
}

void
herd_control_free (HerdControl *control)
{
  if (control == NULL)
    return;
  while (!g_queue_is_empty (&control->peers))
    peer_free (g_queue_peek_head (&control->peers));
  if (control->accepting != NULL) {
    g_source_destroy (control->accepting);
    g_source_unref (control->accepting);
  }
  g_clear_object (&control->listener);
  herd_flight_set_watcher (control->flight, NULL, NULL);
  g_ptr_array_unref (control->seen);
  herd_clock_disarm (control->clock, control->telling);
  herd_clock_disarm (control->clock, control->timer);
  herd_clock_unref (control->clock);
  g_free (control);
}
