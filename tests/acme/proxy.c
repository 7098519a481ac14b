// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The proxy: one connection to Pebble for each request, and what is done to its answers.
 */
#include "proxy.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "proxy-extensions.h"
#include "test-server.h"
#include "util/base64url.h"

#define LARGE (10 * 1024 * 1024)

typedef struct {
  char *endpoint;
  TestFaultKind kind;
  guint skip;
  guint times; /* left; 0: for ever */
  guint status;
  char *fields;
  char *find;
  char *body;
} Fault;

/* What the CA, or the script, says. */
typedef struct {
  guint status;
  char *fields;
  char *body;
} Answer;

struct TestProxy {
  TestServer *server;
  GSocketConnectable *upstream;
  GTlsDatabase *trust;
  char *base;
  char *url;
  TestExtensions *extensions;
  gint altered; /* atomic */
  GMutex mutex; /* for what follows: requests come on threads */
  GCond dripped;
  guint drips;
  gboolean ended;
  GPtrArray *faults;    /* of Fault */
  GHashTable *counts;   /* endpoint → number */
  GHashTable *payloads; /* endpoint → char * */
};

/* Pebble's paths, and what RFC 8555 calls what is there. */
static const struct {
  const char *prefix;
  const char *endpoint;
} endpoints[] = {
  { "/dir", "directory" },
  { "/nonce-plz", "newNonce" },
  { "/sign-me-up", "newAccount" },
  { "/my-account/", "account" },
  { "/order-plz", "newOrder" },
  { "/my-order/", "order" },
  { "/authZ/", "authorization" },
  { "/chalZ/", "challenge" },
  { "/finalize-order/", "finalize" },
  { "/certZ/", "certificate" },
  { "/list-orderz/", "orders" },
  { "/revoke-cert", "revokeCert" },
  { TEST_RENEWAL_INFO_PATH, "renewalInfo" },
};

static const char *
find_endpoint (const char *path)
{
  for (guint i = 0; i < G_N_ELEMENTS (endpoints); i++) {
    if (g_str_has_prefix (path, endpoints[i].prefix))
      return endpoints[i].endpoint;
  }
  return "other";
}

static void
fault_free (gpointer data)
{
  Fault *fault = data;

  if (fault == NULL)
    return;
  g_free (fault->endpoint);
  g_free (fault->fields);
  g_free (fault->find);
  g_free (fault->body);
  g_free (fault);
}

static Fault *
fault_copy (const Fault *fault)
{
  Fault *copy = g_new0 (Fault, 1);

  *copy = *fault;
  copy->endpoint = g_strdup (fault->endpoint);
  copy->fields = g_strdup (fault->fields);
  copy->find = g_strdup (fault->find);
  copy->body = g_strdup (fault->body);
  return copy;
}

static void
answer_free (Answer *answer)
{
  if (answer == NULL)
    return;
  g_free (answer->fields);
  g_free (answer->body);
  g_free (answer);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fault, fault_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Answer, answer_free)

static char *
replace_all (const char *text, const char *find, const char *with)
{
  g_auto (GStrv) parts = g_strsplit (text, find, -1);

  return g_strjoinv (with, parts);
}

/* --- Pebble's side --- */

/* The request as it came, but for HTTP/1.0: its answer ends with the connection. */
static char *
new_request_head (const char *head)
{
  g_autofree char *older = replace_all (head, " HTTP/1.1\r\n", " HTTP/1.0\r\n");
  g_auto (GStrv) lines = g_strsplit (older, "\r\n", -1);
  g_autoptr (GString) text = g_string_new (NULL);

  for (char **line = lines; *line != NULL && **line != '\0'; line++) {
    if (g_ascii_strncasecmp (*line, "Connection:", 11) != 0)
      g_string_append_printf (text, "%s\r\n", *line);
  }
  g_string_append (text, "\r\n");
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static Answer *
read_answer (GInputStream *stream)
{
  g_autoptr (GOutputStream) memory = g_memory_output_stream_new_resizable ();
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  g_autoptr (GString) fields = g_string_new (NULL);
  Answer *answer;
  char *body;

  /* The peer may end without TLS's farewell: what counts is that the head is whole. */
  g_output_stream_splice (memory, stream, G_OUTPUT_STREAM_SPLICE_NONE, NULL, NULL);
  g_output_stream_close (memory, NULL, NULL);
  bytes = g_memory_output_stream_steal_as_bytes (G_MEMORY_OUTPUT_STREAM (memory));
  text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  body = strstr (text, "\r\n\r\n");
  if (body == NULL)
    return NULL;
  *body = '\0';
  lines = g_strsplit (text, "\r\n", -1);
  for (char **line = lines + 1; *line != NULL; line++) {
    if (g_ascii_strncasecmp (*line, "Content-Length:", 15) != 0
        && g_ascii_strncasecmp (*line, "Connection:", 11) != 0)
      g_string_append_printf (fields, "%s\r\n", *line);
  }
  answer = g_new0 (Answer, 1);
  answer->status = (guint) g_ascii_strtoull (lines[0] + strlen ("HTTP/1.0 "), NULL, 10);
  answer->fields = g_string_free (g_steal_pointer (&fields), FALSE);
  answer->body = g_strdup (body + 4);
  return answer;
}

static gboolean
accept_trusted (GTlsConnection *connection G_GNUC_UNUSED, GTlsCertificate *certificate,
                GTlsCertificateFlags flags G_GNUC_UNUSED, gpointer data)
{
  TestProxy *proxy = data;

  return g_tls_database_verify_chain (proxy->trust, certificate,
                                      G_TLS_DATABASE_PURPOSE_AUTHENTICATE_SERVER, NULL, NULL,
                                      G_TLS_DATABASE_VERIFY_NONE, NULL, NULL)
         == 0;
}

static void
on_event (GSocketClient *client G_GNUC_UNUSED, GSocketClientEvent event,
          GSocketConnectable *connectable G_GNUC_UNUSED, GIOStream *stream, gpointer data)
{
  if (event == G_SOCKET_CLIENT_TLS_HANDSHAKING)
    g_signal_connect (stream, "accept-certificate", G_CALLBACK (accept_trusted), data);
}

static Answer *
forward (TestProxy *proxy, TestExchange *exchange)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) connection = NULL;
  g_autofree char *head = new_request_head (exchange->head);
  GOutputStream *output;

  g_socket_client_set_tls (client, TRUE);
  g_signal_connect (client, "event", G_CALLBACK (on_event), proxy);
  connection = g_socket_client_connect (client, proxy->upstream, NULL, NULL);
  if (connection == NULL)
    return NULL;
  output = g_io_stream_get_output_stream (G_IO_STREAM (connection));
  if (!g_output_stream_write_all (output, head, strlen (head), NULL, NULL, NULL)
      || !g_output_stream_write_all (output, g_bytes_get_data (exchange->body, NULL),
                                     g_bytes_get_size (exchange->body), NULL, NULL, NULL))
    return NULL;
  return read_answer (g_io_stream_get_input_stream (G_IO_STREAM (connection)));
}

/* --- the client's side --- */

static char *
fill_in (TestProxy *proxy, const char *text)
{
  return replace_all (text != NULL ? text : "", "$BASE", proxy->base);
}

static char *
to_text (TestExchange *exchange, const Answer *answer)
{
  return g_strdup_printf ("HTTP/1.1 %u Answer\r\nContent-Length: %zu\r\n%s\r\n%s", answer->status,
                          strlen (answer->body), answer->fields,
                          g_str_equal (exchange->method, "HEAD") ? "" : answer->body);
}

/* The script's answer; with the nonce of the CA's, if there is that and the script has none. */
static gboolean
say (TestProxy *proxy, TestExchange *exchange, const Fault *fault, const Answer *real)
{
  g_autofree char *fields = fill_in (proxy, fault->fields);
  g_autofree char *body = fill_in (proxy, fault->body);
  const char *nonce = real != NULL ? strstr (real->fields, "Replay-Nonce:") : NULL;
  g_autofree char *all = NULL;

  if (nonce == NULL || strstr (fields, "Replay-Nonce:") != NULL)
    return test_exchange_answer (exchange, fault->status, fields, body);
  all = g_strdup_printf ("%s%.*s\r\n", fields, (int) strcspn (nonce, "\r"), nonce);
  return test_exchange_answer (exchange, fault->status, all, body);
}

static gboolean
say_altered (TestProxy *proxy, TestExchange *exchange, const Fault *fault, const Answer *real)
{
  g_autofree char *fields = fill_in (proxy, fault->fields);
  g_autofree char *with = fill_in (proxy, fault->body);
  g_autofree char *find = fill_in (proxy, fault->find);
  g_autofree char *whole = g_strdup_printf ("%u %s%s\r\n%s", real->status, fields, real->fields,
                                            real->body);
  g_auto (GStrv) parts = g_strsplit (whole, find, 2);
  g_autofree char *altered = NULL;
  char *head_end;
  char *rest;
  guint status;

  if (parts[1] == NULL)
    return test_exchange_answer (exchange, real->status, real->fields, real->body);
  g_atomic_int_inc (&proxy->altered);
  altered = g_strjoinv (with, parts);
  status = (guint) g_ascii_strtoull (altered, &rest, 10);
  head_end = strstr (rest, "\r\n\r\n");
  head_end[2] = '\0';
  return test_exchange_answer (exchange, status, rest + 1, head_end + 4);
}

static gboolean
say_oversized (TestExchange *exchange, const Answer *real)
{
  g_autofree char *spaces = g_strnfill (LARGE, ' ');
  g_autofree char *body = g_strconcat (real->body, spaces, NULL);

  return test_exchange_answer (exchange, real->status, real->fields, body);
}

static gboolean
take_drip (TestProxy *proxy)
{
  gboolean ended;

  g_mutex_lock (&proxy->mutex);
  while (proxy->drips == 0 && !proxy->ended)
    g_cond_wait (&proxy->dripped, &proxy->mutex);
  ended = proxy->ended;
  if (!ended)
    proxy->drips--;
  g_mutex_unlock (&proxy->mutex);
  return !ended;
}

/* The head at once, the body by the byte. */
static gboolean
drip (TestProxy *proxy, TestExchange *exchange, const Answer *real)
{
  g_autofree char *text = to_text (exchange, real);
  gsize head = strlen (text) - strlen (real->body);

  if (!test_exchange_write (exchange, text, (gssize) head))
    return FALSE;
  for (const char *at = text + head; *at != '\0'; at++) {
    if (!take_drip (proxy) || !test_exchange_write (exchange, at, 1))
      return FALSE;
  }
  return TRUE;
}

static gboolean
say_half (TestExchange *exchange, const Answer *real)
{
  g_autofree char *text = to_text (exchange, real);

  test_exchange_write (exchange, text, (gssize) (strlen (text) - strlen (real->body) / 2 - 1));
  return FALSE;
}

static gboolean
apply (TestProxy *proxy, TestExchange *exchange, const Fault *fault, const Answer *real)
{
  switch (fault->kind) {
  case TEST_FAULT_ANSWER:
  case TEST_FAULT_REPLACE:
    return say (proxy, exchange, fault, real);
  case TEST_FAULT_ALTER:
    return say_altered (proxy, exchange, fault, real);
  case TEST_FAULT_DROP_BEFORE:
  case TEST_FAULT_DROP_AFTER:
    return FALSE;
  case TEST_FAULT_TRUNCATE:
    return say_half (exchange, real);
  case TEST_FAULT_OVERSIZE:
    return say_oversized (exchange, real);
  case TEST_FAULT_DRIP:
    return drip (proxy, exchange, real);
  }
  return FALSE;
}

/* --- one request --- */

static char *
decode_payload (GBytes *body)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GBytes) decoded = NULL;
  gsize size;
  const char *text = g_bytes_get_data (body, &size);
  const char *payload;

  if (size == 0 || !json_parser_load_from_data (parser, text, (gssize) size, NULL))
    return NULL;
  payload = json_object_get_string_member_with_default (
      json_node_get_object (json_parser_get_root (parser)), "payload", "");
  decoded = herd_base64url_decode (payload);
  text = decoded != NULL ? g_bytes_get_data (decoded, &size) : NULL;
  return g_strndup (text != NULL ? text : "", text != NULL ? size : 0);
}

/* The fault that ENDPOINT meets now, or NULL. Under the lock. */
static Fault *
take_fault (TestProxy *proxy, const char *endpoint)
{
  for (guint i = 0; i < proxy->faults->len; i++) {
    Fault *fault = proxy->faults->pdata[i];
    Fault *taken;

    if (!g_str_equal (fault->endpoint, endpoint))
      continue;
    if (fault->skip > 0) {
      fault->skip--;
      return NULL;
    }
    taken = fault_copy (fault);
    if (fault->times > 0 && --fault->times == 0)
      g_ptr_array_remove_index (proxy->faults, i);
    return taken;
  }
  return NULL;
}

static Fault *
note_request (TestProxy *proxy, const char *endpoint, const char *payload)
{
  Fault *fault;
  guint count;

  g_mutex_lock (&proxy->mutex);
  count = GPOINTER_TO_UINT (g_hash_table_lookup (proxy->counts, endpoint));
  g_hash_table_insert (proxy->counts, (gpointer) endpoint, GUINT_TO_POINTER (count + 1));
  if (payload != NULL)
    g_hash_table_insert (proxy->payloads, (gpointer) endpoint, g_strdup (payload));
  fault = take_fault (proxy, endpoint);
  g_mutex_unlock (&proxy->mutex);
  return fault;
}

static gboolean
serve (TestExchange *exchange, gpointer data)
{
  TestProxy *proxy = data;
  const char *endpoint = find_endpoint (exchange->path);
  g_autofree char *payload = decode_payload (exchange->body);
  g_autoptr (Fault) fault = note_request (proxy, endpoint, payload);
  g_autoptr (Answer) real = NULL;

  if (fault != NULL && fault->kind == TEST_FAULT_ANSWER)
    return say (proxy, exchange, fault, NULL);
  if (fault != NULL && fault->kind == TEST_FAULT_DROP_BEFORE)
    return FALSE;
  real = g_new0 (Answer, 1);
  if (!test_extensions_answer (proxy->extensions, endpoint, exchange->path, payload, &real->status,
                               &real->fields, &real->body)) {
    answer_free (real);
    real = forward (proxy, exchange);
    if (real == NULL)
      return FALSE;
    test_extensions_note (proxy->extensions, endpoint, payload, real->status, &real->body);
  }
  return fault != NULL ? apply (proxy, exchange, fault, real)
                       : test_exchange_answer (exchange, real->status, real->fields, real->body);
}

/* --- for tests --- */

TestProxy *
test_proxy_new (TestPebble *pebble)
{
  TestProxy *proxy = g_new0 (TestProxy, 1);
  const char *trust = test_pebble_get (pebble, "TLS_CA");
  g_autofree char *directory = g_path_get_dirname (trust);
  g_autofree char *pem = g_build_filename (directory, "tls.pem", NULL);
  g_autofree char *key = g_build_filename (directory, "tls.key", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GTlsCertificate) identity = g_tls_certificate_new_from_files (pem, key, &error);

  g_assert_no_error (error);
  g_mutex_init (&proxy->mutex);
  g_cond_init (&proxy->dripped);
  proxy->trust = g_tls_file_database_new (trust, &error);
  g_assert_no_error (error);
  proxy->upstream = g_network_address_parse_uri (test_pebble_get (pebble, "DIRECTORY_URL"), 443,
                                                 &error);
  g_assert_no_error (error);
  proxy->faults = g_ptr_array_new_with_free_func (fault_free);
  proxy->counts = g_hash_table_new (g_str_hash, g_str_equal);
  proxy->payloads = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  proxy->extensions = test_extensions_new ();
  proxy->server = test_server_new (identity, 0, serve, proxy);
  proxy->base = test_server_get_url (proxy->server, "");
  proxy->url = test_server_get_url (proxy->server, "/dir");
  test_extensions_set_base (proxy->extensions, proxy->base);
  return proxy;
}

void
test_proxy_free (TestProxy *proxy)
{
  if (proxy == NULL)
    return;
  g_mutex_lock (&proxy->mutex);
  proxy->ended = TRUE;
  g_cond_broadcast (&proxy->dripped);
  g_mutex_unlock (&proxy->mutex);
  test_server_free (proxy->server);
  test_extensions_free (proxy->extensions);
  g_object_unref (proxy->upstream);
  g_object_unref (proxy->trust);
  g_ptr_array_unref (proxy->faults);
  g_hash_table_unref (proxy->counts);
  g_hash_table_unref (proxy->payloads);
  g_mutex_clear (&proxy->mutex);
  g_cond_clear (&proxy->dripped);
  g_free (proxy->base);
  g_free (proxy->url);
  g_free (proxy);
}

const char *
test_proxy_get_url (TestProxy *proxy)
{
  return proxy->url;
}

void
test_proxy_script (TestProxy *proxy, const TestFault *given)
{
  Fault *fault = g_new0 (Fault, 1);

  fault->endpoint = g_strdup (given->endpoint);
  fault->kind = given->kind;
  fault->skip = given->skip;
  fault->times = given->times;
  fault->status = given->status;
  fault->fields = g_strdup (given->fields);
  fault->find = g_strdup (given->find);
  fault->body = g_strdup (given->body);
  g_mutex_lock (&proxy->mutex);
  g_ptr_array_add (proxy->faults, fault);
  g_mutex_unlock (&proxy->mutex);
}

void
test_proxy_refuse (TestProxy *proxy, const char *endpoint, guint times, guint status,
                   const char *fields, const char *type, const char *detail, const char *more)
{
  g_autofree char *body = g_strdup_printf (
      "{\"type\":\"urn:ietf:params:acme:error:%s\",\"detail\":\"%s\"%s%s}", type, detail,
      more != NULL ? "," : "", more != NULL ? more : "");
  g_autofree char *all = g_strconcat (fields != NULL ? fields : "",
                                      "Content-Type: application/problem+json\r\n", NULL);
  TestFault fault = { .endpoint = endpoint,
                      .kind = TEST_FAULT_ANSWER,
                      .times = times,
                      .status = status,
                      .fields = all,
                      .body = body };

  test_proxy_script (proxy, &fault);
}

void
test_proxy_relent (TestProxy *proxy)
{
  g_mutex_lock (&proxy->mutex);
  g_ptr_array_set_size (proxy->faults, 0);
  g_mutex_unlock (&proxy->mutex);
}

guint
test_proxy_count (TestProxy *proxy, const char *endpoint)
{
  GHashTableIter iter;
  gpointer key, value;
  guint count = 0;

  g_mutex_lock (&proxy->mutex);
  g_hash_table_iter_init (&iter, proxy->counts);
  while (g_hash_table_iter_next (&iter, &key, &value)) {
    if (endpoint == NULL || g_str_equal (key, endpoint))
      count += GPOINTER_TO_UINT (value);
  }
  g_mutex_unlock (&proxy->mutex);
  return count;
}

char *
test_proxy_get_payload (TestProxy *proxy, const char *endpoint)
{
  char *payload;

  g_mutex_lock (&proxy->mutex);
  payload = g_strdup (g_hash_table_lookup (proxy->payloads, endpoint));
  g_mutex_unlock (&proxy->mutex);
  return payload;
}

guint
test_proxy_count_altered (TestProxy *proxy)
{
  return (guint) g_atomic_int_get (&proxy->altered);
}

void
test_proxy_drip (TestProxy *proxy)
{
  g_mutex_lock (&proxy->mutex);
  proxy->drips++;
  g_cond_signal (&proxy->dripped);
  g_mutex_unlock (&proxy->mutex);
}

void
test_proxy_add_renewal_info (TestProxy *proxy, gint64 start, gint64 end)
{
  test_extensions_add_renewal_info (proxy->extensions, start, end);
}

void
test_proxy_add_profile (TestProxy *proxy, const char *name)
{
  test_extensions_add_profile (proxy->extensions, name);
}
