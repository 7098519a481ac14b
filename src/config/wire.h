// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The protocol between the agent and certherd-responder: SOCK_SEQPACKET, one serialised GVariant a
 * message, both ends of one machine (host endian). A request (usa(ssss)) is serial, verb and
 * challenges (type, identifier, token, key authorization); each is answered by one reply (ubsa(sss)): its
 * serial, whether it was done, and why not. Between replies come notices, of the same form with the
 * serial 0: which challenges (type, identifier, token) were shown to a validator, each time once. Pure
 * functions; each end checks what the other says.
 */
#pragma once

#include <gio/gio.h>

#include "plugin/challenge.h"

G_BEGIN_DECLS

#define HERD_WIRE_LIMIT 65536          /* bytes of a message */
#define HERD_WIRE_CHALLENGES 256       /* of a request */
#define HERD_WIRE_CHALLENGES_ALWAYS 64 /* so many fit into HERD_WIRE_LIMIT, whatever they say */

typedef enum {
  HERD_WIRE_ANSWER,   /* answer these too */
  HERD_WIRE_WITHDRAW, /* these no longer; unknown ones are fine */
  HERD_WIRE_CLEAR,    /* none any longer; no challenges */
} HerdWireVerb;

typedef struct {
  guint32 serial;
  HerdWireVerb verb;
  GPtrArray *challenges; /* HerdChallenge, each checked */
} HerdWireRequest;

typedef struct {
  guint32 serial;
  gboolean ok;
  char *message;   /* UTF-8, "" if ok */
  GPtrArray *seen; /* HerdChallenge, without a key authorization; a notice has some, and only it */
} HerdWireReply;

/* Errors of all that decode or encode a request: HERD_ERROR_INVALID_ARGUMENT, HERD_ERROR_LIMIT_EXCEEDED. */
GBytes *herd_wire_encode_request (guint32 serial, HerdWireVerb verb, GPtrArray *challenges,
                                  GError **error);
HerdWireRequest *herd_wire_decode_request (gconstpointer data, gsize size, GError **error);
/* A message that is too long is cut. */
GBytes *herd_wire_encode_reply (guint32 serial, gboolean ok, const char *message);
/* Of CHALLENGES (HerdChallenge that were checked, at most HERD_WIRE_CHALLENGES_ALWAYS). */
GBytes *herd_wire_encode_notice (GPtrArray *challenges);
/* Of a notice too. */
HerdWireReply *herd_wire_decode_reply (gconstpointer data, gsize size, GError **error);

void herd_wire_request_free (HerdWireRequest *request);
void herd_wire_reply_free (HerdWireReply *reply);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdWireRequest, herd_wire_request_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdWireReply, herd_wire_reply_free)

G_END_DECLS
