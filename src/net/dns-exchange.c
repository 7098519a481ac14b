// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * c-ares on the main loop: its sockets are sources, its timers are the clock's. An exchange owns itself
 * until it is over. c-ares calls back from within its functions, where its channel must stay: what it
 * says is kept, and settle() looks at it afterwards. Main loop only.
 */
#include "net/dns-exchange.h"

#include <ares.h>
#include <glib-unix.h>
#include <string.h>

#include "plugin/error.h"

#define TRY_MILLISECONDS 2000 /* the first time; twice as long the second */
#define TRIES 2
/* Fits every path without fragments (DNS flag day 2020). */
#define DATAGRAM_SIZE 1232

typedef struct {
  GTask *task;
  HerdClock *clock;
  ares_channel channel; /* NULL: never made */
  GHashTable *sockets;  /* descriptor → GSource */
  GCancellable *cancellable;
  gulong cancel_handler;
  guint timer;    /* c-ares' next; 0: none */
  guint deadline; /* 0: over */

  gboolean over; /* one of these two is set */
  HerdDnsAnswer *answer;
  GError *error;
} Exchange;

static void
exchange_free (Exchange *exchange)
{
  exchange->over = TRUE;
  if (exchange->cancel_handler != 0)
    g_signal_handler_disconnect (exchange->cancellable, exchange->cancel_handler);
  herd_clock_disarm (exchange->clock, exchange->timer);
  herd_clock_disarm (exchange->clock, exchange->deadline);
  if (exchange->channel != NULL)
    ares_destroy (exchange->channel);
  g_hash_table_unref (exchange->sockets);
  g_clear_object (&exchange->cancellable);
  g_clear_pointer (&exchange->answer, herd_dns_answer_free);
  g_clear_error (&exchange->error);
  herd_clock_unref (exchange->clock);
  g_object_unref (exchange->task);
  g_free (exchange);
}

static void
fail (Exchange *exchange, HerdError code, const char *message)
{
  exchange->over = TRUE;
  exchange->error = g_error_new_literal (HERD_ERROR, (int) code, message);
}

static void on_timer (gpointer data);

/* Called after everything that may have changed something. */
static void
settle (Exchange *exchange)
{
  struct timeval buffer;
  struct timeval *left;

  if (!exchange->over) {
    left = ares_timeout (exchange->channel, NULL, &buffer);
    herd_clock_disarm (exchange->clock, exchange->timer);
    exchange->timer = left == NULL ? 0
                                   : herd_clock_arm (exchange->clock,
                                                     left->tv_sec * HERD_SECOND + left->tv_usec,
                                                     on_timer, exchange);
    return;
  }
  if (exchange->error != NULL)
    g_task_return_error (exchange->task, g_steal_pointer (&exchange->error));
  else
    g_task_return_pointer (exchange->task, g_steal_pointer (&exchange->answer),
                           (GDestroyNotify) herd_dns_answer_free);
  exchange_free (exchange);
}

static void
on_timer (gpointer data)
{
  Exchange *exchange = data;

  exchange->timer = 0;
  ares_process_fd (exchange->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  settle (exchange);
}

static void
on_deadline (gpointer data)
{
  Exchange *exchange = data;

  exchange->deadline = 0;
  fail (exchange, HERD_ERROR_UNREACHABLE, "no answer in time");
  settle (exchange);
}

static void
on_cancelled (GCancellable *cancellable G_GNUC_UNUSED, gpointer data)
{
  Exchange *exchange = data;

  fail (exchange, HERD_ERROR_CANCELLED, "cancelled");
  settle (exchange);
}

static gboolean
on_socket (int fd, GIOCondition condition, gpointer data)
{
  Exchange *exchange = data;
  gboolean broken = (condition & (G_IO_ERR | G_IO_HUP)) != 0;
  gboolean readable = broken || (condition & G_IO_IN) != 0;
  gboolean writable = (condition & G_IO_OUT) != 0;

  ares_process_fd (exchange->channel, readable ? fd : ARES_SOCKET_BAD,
                   writable ? fd : ARES_SOCKET_BAD);
  settle (exchange);
  return G_SOURCE_CONTINUE; /* c-ares says when it wants this socket no longer */
}

static void
source_drop (gpointer data)
{
  g_source_destroy (data);
  g_source_unref (data);
}

static void
on_socket_state (void *data, ares_socket_t fd, int readable, int writable)
{
  Exchange *exchange = data;
  GIOCondition condition = (readable ? G_IO_IN : 0) | (writable ? G_IO_OUT : 0);
  GSource *source;

  if (condition == 0) {
    g_hash_table_remove (exchange->sockets, GINT_TO_POINTER (fd));
    return;
  }
  source = g_unix_fd_source_new (fd, condition);
  g_source_set_callback (source, G_SOURCE_FUNC (on_socket), exchange, NULL);
  g_source_set_static_name (source, "herd-dns");
  g_source_attach (source, g_main_context_get_thread_default ());
  g_hash_table_replace (exchange->sockets, GINT_TO_POINTER (fd), source);
}

/* What c-ares calls success depends on the number of answers: whatever came is read here. */
static void
on_answer (void *data, int status, int timeouts G_GNUC_UNUSED, unsigned char *message, int size)
{
  Exchange *exchange = data;

  if (exchange->over)
    return;
  if (message != NULL) {
    exchange->over = TRUE;
    exchange->answer = herd_dns_answer_parse (message, (gsize) size, &exchange->error);
  } else if (status == ARES_EBADNAME || status == ARES_ENOTFOUND) {
    fail (exchange, HERD_ERROR_INVALID_ARGUMENT, "this cannot be asked of the DNS");
  } else if (status == ARES_ETIMEOUT) {
    fail (exchange, HERD_ERROR_UNREACHABLE, "no answer in time");
  } else if (status == ARES_ECONNREFUSED) {
    fail (exchange, HERD_ERROR_UNREACHABLE, "no server gave an answer");
  } else {
    fail (exchange, HERD_ERROR_UNREACHABLE, ares_strerror (status));
  }
}

static gboolean
make_channel (Exchange *exchange, const HerdDnsQuestion *question)
{
  char lookups[] = "b"; /* the DNS, not /etc/hosts */
  struct ares_options options = {
    .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS,
    .timeout = TRY_MILLISECONDS,
    .tries = TRIES,
    .ednspsz = DATAGRAM_SIZE,
    .lookups = lookups,
    .sock_state_cb = on_socket_state,
    .sock_state_cb_data = exchange,
  };
  int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ
             | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB;
  int status;

  if (!question->recursive)
    options.flags |= ARES_FLAG_NORECURSE | ARES_FLAG_NOCHECKRESP;
  status = ares_init_options (&exchange->channel, &options, mask);
  if (status != ARES_SUCCESS) {
    exchange->channel = NULL;
    fail (exchange, HERD_ERROR_FAILED, ares_strerror (status));
    return FALSE;
  }
  if (question->servers != NULL
      && ares_set_servers_ports_csv (exchange->channel, question->servers) != ARES_SUCCESS) {
    g_autofree char *message = g_strdup_printf ("\"%s\" is not the address of a server",
                                                question->servers);

    fail (exchange, HERD_ERROR_INVALID_ARGUMENT, message);
    return FALSE;
  }
  return TRUE;
}

void
herd_dns_exchange_async (const HerdDnsQuestion *question, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer data)
{
  Exchange *exchange = g_new0 (Exchange, 1);

  /* The cancellable is followed here, so that its end and the channel's are one. */
  exchange->task = g_task_new (NULL, NULL, callback, data);
  exchange->clock = herd_clock_ref (question->clock);
  exchange->sockets = g_hash_table_new_full (NULL, NULL, NULL, source_drop);
  if (g_cancellable_is_cancelled (cancellable))
    fail (exchange, HERD_ERROR_CANCELLED, "cancelled");
  else if (make_channel (exchange, question))
    ares_query (exchange->channel, question->name, 1, (int) question->type, on_answer, exchange);
  if (!exchange->over) {
    exchange->deadline = herd_clock_arm (exchange->clock, question->deadline, on_deadline,
                                         exchange);
    if (cancellable != NULL) {
      exchange->cancellable = g_object_ref (cancellable);
      exchange->cancel_handler = g_signal_connect (cancellable, "cancelled",
                                                   G_CALLBACK (on_cancelled), exchange);
    }
  }
  settle (exchange);
}

HerdDnsAnswer *
herd_dns_exchange_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
