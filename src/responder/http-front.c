// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The http-01 front: one request a connection, read and then answered.
 */
#include "responder/http-front.h"

#include <string.h>

#include "responder/http-head.h"

#define PREFIX "/.well-known/acme-challenge/"

typedef struct {
  HerdClient base;
  gsize length; /* of what was read into head */
  char head[HERD_HTTP_HEAD_LIMIT];
  GString *answer; /* NULL: the head is not whole yet */
  gsize written;
  HerdChallenge *challenge; /* what the answer shows; NULL: nothing */
} HttpClient;

/* --- answers --- */

static void
client_answer (HttpClient *client, const char *status, const char *fields, const char *body,
               gboolean with_body)
{
  client->answer = g_string_new (NULL);
  g_string_printf (client->answer,
                   "HTTP/1.1 %s\r\n"
                   "Content-Type: text/plain\r\n"
                   "Content-Length: %" G_GSIZE_FORMAT "\r\n"
                   "%s"
                   "Connection: close\r\n"
                   "\r\n"
                   "%s",
                   status, strlen (body), fields, with_body ? body : "");
  herd_client_arm (&client->base);
  herd_client_watch (&client->base, G_IO_OUT);
}

static HerdChallenge *
find_challenge (HerdFlight *flight, const HerdHttpHead *head)
{
  const char *token = head->target + strlen (PREFIX);

  if (!g_str_has_prefix (head->target, PREFIX) || !herd_challenge_token_is_valid (token))
    return NULL;
  return herd_flight_find (flight, "http-01", token, head->identifier);
}

static void
client_answer_head (HttpClient *client, gsize length)
{
  g_autoptr (HerdHttpHead) head = herd_http_head_parse (client->head, length);
  HerdChallenge *challenge;

  if (head == NULL) {
    client_answer (client, "400 Bad Request", "", "bad request\n", TRUE);
    return;
  }
  if (head->method == HERD_HTTP_OTHER) {
    client_answer (client, "405 Method Not Allowed", "Allow: GET, HEAD\r\n", "method not allowed\n",
                   TRUE);
    return;
  }
  challenge = find_challenge (herd_front_get_data (client->base.front), head);
  if (challenge == NULL) {
    client_answer (client, "404 Not Found", "", "not found\n", head->method == HERD_HTTP_GET);
    return;
  }
  client_answer (client, "200 OK", "", challenge->key_authorization, head->method == HERD_HTTP_GET);
  if (head->method == HERD_HTTP_GET)
    client->challenge = herd_challenge_ref (challenge);
}

/* --- reading and writing: FALSE when there is nothing more to be done for the client --- */

static gboolean
is_later (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
}

static gboolean
client_read (HttpClient *client)
{
  g_autoptr (GError) error = NULL;
  gssize size = g_socket_receive (client->base.socket, client->head + client->length,
                                  sizeof client->head - client->length, NULL, &error);
  gssize length;

  if (size < 0 && is_later (error))
    return TRUE;
  if (size <= 0)
    return FALSE;
  length = herd_http_head_measure (client->head, client->length + (gsize) size, client->length);
  client->length += (gsize) size;
  if (length > 0)
    client_answer_head (client, (gsize) length);
  else if (length < 0)
    client_answer (client, "400 Bad Request", "", "bad request\n", TRUE);
  else if (client->length == sizeof client->head)
    client_answer (client, "431 Request Header Fields Too Large", "", "too large\n", TRUE);
  return TRUE;
}

static gboolean
client_write (HttpClient *client)
{
  g_autoptr (GError) error = NULL;
  gssize size = g_socket_send (client->base.socket, client->answer->str + client->written,
                               client->answer->len - client->written, NULL, &error);

  if (size < 0)
    return is_later (error);
  client->written += (gsize) size;
  if (client->written < client->answer->len)
    return TRUE;
  if (client->challenge != NULL)
    herd_flight_note_sighting (herd_front_get_data (client->base.front), client->challenge);
  herd_client_drain (&client->base);
  return TRUE;
}

static gboolean
http_begin (HerdClient *client)
{
  return TRUE;
}

static gboolean
http_ready (HerdClient *base)
{
  HttpClient *client = (HttpClient *) base;

  return client->answer == NULL ? client_read (client) : client_write (client);
}

static void
http_clear (HerdClient *base)
{
  HttpClient *client = (HttpClient *) base;

  if (client->answer != NULL)
    g_string_free (client->answer, TRUE);
  herd_challenge_unref (client->challenge);
}

HerdFront *
herd_http_front_new (HerdFlight *flight, HerdClock *clock)
{
  static const HerdFrontOps ops = {
    .client_size = sizeof (HttpClient),
    .begin = http_begin,
    .ready = http_ready,
    .clear = http_clear,
  };

  return herd_front_new (&ops, flight, clock);
}
