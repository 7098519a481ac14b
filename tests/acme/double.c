// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A protocol double of an ACME CA: a table of paths, one order, and overrides.
 */
#include "double.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "test-ca.h"
#include "test-server.h"
#include "util/base64url.h"

#define LARGE (10 * 1024 * 1024)
#define TOKEN "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"

typedef struct {
  guint times; /* left; 0: for ever */
  guint status;
  char *fields;
  char *body;
} Override;

struct TestDouble {
  TestCa *ca;
  TestServer *server;
  char *base;
  char *url;
  GMutex mutex;          /* for what follows: requests come on threads */
  GHashTable *overrides; /* path → Override */
  GHashTable *counts;    /* path → number */
  GHashTable *payloads;  /* path → char * */
  const char *status;    /* of the order */
  char *profile;         /* of the order, or NULL */
  gboolean lists_orders;
  char *chain;
  guint nonce;
};

static void
override_free (gpointer data)
{
  Override *override = data;

  g_free (override->fields);
  g_free (override->body);
  g_free (override);
}

/* A string member of the JSON object TEXT, or NULL. */
static char *
get_member (const char *text, gsize size, const char *member)
{
  g_autoptr (JsonParser) parser = json_parser_new ();

  g_assert_true (json_parser_load_from_data (parser, text, (gssize) size, NULL));
  return g_strdup (json_object_get_string_member_with_default (
      json_node_get_object (json_parser_get_root (parser)), member, NULL));
}

static char *
decode_payload (GBytes *body)
{
  gsize size;
  const char *text = g_bytes_get_data (body, &size);
  g_autofree char *payload = size > 0 ? get_member (text, size, "payload") : NULL;
  g_autoptr (GBytes) decoded = NULL;

  if (payload == NULL)
    return NULL;
  decoded = herd_base64url_decode (payload);
  text = g_bytes_get_data (decoded, &size);
  return g_strndup (text != NULL ? text : "", size);
}

/* --- the normal CA --- */

static char *
directory (TestDouble *ca G_GNUC_UNUSED, const char *payload G_GNUC_UNUSED,
           gboolean other G_GNUC_UNUSED)
{
  return g_strdup ("{\"newNonce\":\"$BASE/nonce\",\"newAccount\":\"$BASE/account\","
                   "\"newOrder\":\"$BASE/order\",\"keyChange\":\"$BASE/"
                   "key-change\",\"renewalInfo\":\"$BASE/ari\","
                   "\"meta\":{\"termsOfService\":\"https://ca.example/terms\","
                   "\"caaIdentities\":[\"ca.example\"],"
                   "\"profiles\":{\"classic\":\"the usual\"}}}");
}

static char *
account (TestDouble *ca, const char *payload G_GNUC_UNUSED, gboolean other G_GNUC_UNUSED)
{
  return g_strdup_printf ("{\"status\":\"valid\"%s}",
                          ca->lists_orders ? ",\"orders\":\"$BASE/orders\"" : "");
}

static char *
order (TestDouble *ca, const char *payload G_GNUC_UNUSED, gboolean other G_GNUC_UNUSED)
{
  g_autofree char *status = g_strdup (ca->status);

  /* Issuing takes one poll. */
  if (g_str_equal (status, "processing"))
    ca->status = "valid";
  return g_strdup_printf ("{\"status\":\"%s\",\"identifiers\":[{\"type\":\"dns\","
                          "\"value\":\"www.example.org\"}],"
                          "\"authorizations\":[\"$BASE/authorization\"],"
                          "\"finalize\":\"$BASE/finalize\"%s%s%s%s}",
                          status, ca->profile != NULL ? ",\"profile\":\"" : "",
                          ca->profile != NULL ? ca->profile : "", ca->profile != NULL ? "\"" : "",
                          g_str_equal (status, "valid") ? ",\"certificate\":\"$BASE/certificate\""
                                                        : "");
}

static char *
new_order (TestDouble *ca, const char *payload, gboolean other)
{
  ca->status = "pending";
  g_free (ca->profile);
  ca->profile = get_member (payload, strlen (payload), "profile");
  return order (ca, payload, other);
}

static char *
authorization (TestDouble *ca, const char *payload G_GNUC_UNUSED, gboolean other G_GNUC_UNUSED)
{
  return g_strdup_printf ("{\"status\":\"%s\",\"identifier\":{\"type\":\"dns\","
                          "\"value\":\"www.example.org\"},\"challenges\":[{\"type\":\"new-99\","
                          "\"token\":7},{\"type\":\"http-01\",\"url\":\"$BASE/challenge\","
                          "\"token\":\"" TOKEN "\",\"status\":\"pending\"}]}",
                          g_str_equal (ca->status, "pending") ? "pending" : "valid");
}

static char *
challenge (TestDouble *ca, const char *payload G_GNUC_UNUSED, gboolean other G_GNUC_UNUSED)
{
  ca->status = "ready";
  return g_strdup ("{\"type\":\"http-01\",\"url\":\"$BASE/challenge\",\"status\":\"processing\"}");
}

static char *
finalize (TestDouble *ca, const char *payload, gboolean other_key)
{
  g_autofree char *csr = get_member (payload, strlen (payload), "csr");
  g_autoptr (GBytes) der = herd_base64url_decode (csr);
  char *answer;

  g_free (ca->chain);
  ca->chain = test_ca_issue (ca->ca, der, other_key);
  ca->status = "processing";
  answer = order (ca, payload, other_key);
  ca->status = "processing";
  return answer;
}

static char *
certificate (TestDouble *ca, const char *payload G_GNUC_UNUSED, gboolean other G_GNUC_UNUSED)
{
  return g_strdup (ca->chain);
}

static char *
orders (TestDouble *ca G_GNUC_UNUSED, const char *payload G_GNUC_UNUSED,
        gboolean other G_GNUC_UNUSED)
{
  return g_strdup ("{\"orders\":[\"https://elsewhere.example/order/0\",\"$BASE/order/1\"]}");
}

static char *
nothing (TestDouble *ca G_GNUC_UNUSED, const char *payload G_GNUC_UNUSED,
         gboolean other G_GNUC_UNUSED)
{
  return g_strdup ("");
}

static const struct {
  const char *path;
  guint status;
  const char *fields;
  char *(*answer) (TestDouble *ca, const char *payload, gboolean other_key);
} routes[] = {
  { "/dir", 200, "", directory },
  { "/nonce", 200, "", nothing },
  { "/account", 201, "Location: $BASE/account/1\r\n", account },
  { "/account/1", 200, "", account },
  { "/key-change", 200, "", account },
  { "/order", 201, "Location: $BASE/order/1\r\n", new_order },
  { "/order/1", 200, "", order },
  { "/authorization", 200, "", authorization },
  { "/challenge", 200, "", challenge },
  { "/finalize", 200, "", finalize },
  { "/certificate", 200, "", certificate },
  { "/orders", 200, "", orders },
};

/* --- serving --- */

static char *
fill_in (TestDouble *ca, const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text != NULL ? text : "", "$BASE", -1);

  return g_strjoinv (ca->base, parts);
}

static gboolean
send_answer (TestDouble *ca, TestExchange *exchange, guint status, const char *fields,
             const char *body)
{
  g_autofree char *filled_body = fill_in (ca, body);
  g_autofree char *given = fill_in (ca, fields);
  g_autofree char *all = strstr (given, "Replay-Nonce:") != NULL
                             ? g_strdup (given)
                             : g_strdup_printf ("%sReplay-Nonce: nonce-%u\r\n", given,
                                                g_atomic_int_add (&ca->nonce, 1));

  return test_exchange_answer (exchange, status, all, filled_body);
}

/* What the normal CA does and says, under the lock. */
static char *
act (TestDouble *ca, const char *path, const char *payload, gboolean other_key, guint *status,
     const char **fields)
{
  for (guint i = 0; i < G_N_ELEMENTS (routes); i++) {
    if (g_str_equal (routes[i].path, path)) {
      *status = routes[i].status;
      *fields = routes[i].fields;
      return routes[i].answer (ca, payload, other_key);
    }
  }
  *status = 404;
  *fields = "";
  return g_strdup ("{}");
}

static Override *
take_override (TestDouble *ca, const char *path)
{
  Override *override = g_hash_table_lookup (ca->overrides, path);
  Override *copy;

  if (override == NULL)
    return NULL;
  copy = g_new0 (Override, 1);
  copy->status = override->status;
  copy->fields = g_strdup (override->fields);
  copy->body = g_strdup (override->body);
  if (override->times > 0 && --override->times == 0)
    g_hash_table_remove (ca->overrides, path);
  return copy;
}

static gboolean
serve (TestExchange *exchange, gpointer data)
{
  TestDouble *ca = data;
  g_autofree char *payload = decode_payload (exchange->body);
  g_autofree char *body = NULL;
  Override *override;
  const char *fields = "";
  guint status = 0;
  gboolean going;

  g_mutex_lock (&ca->mutex);
  g_hash_table_insert (
      ca->counts, g_strdup (exchange->path),
      GUINT_TO_POINTER (GPOINTER_TO_UINT (g_hash_table_lookup (ca->counts, exchange->path)) + 1));
  if (payload != NULL)
    g_hash_table_insert (ca->payloads, g_strdup (exchange->path), g_strdup (payload));
  override = take_override (ca, exchange->path);
  if (override == NULL || override->status == TEST_DOUBLE_LOST
      || override->status == TEST_DOUBLE_OTHER_KEY)
    body = act (ca, exchange->path, payload,
                override != NULL && override->status == TEST_DOUBLE_OTHER_KEY, &status, &fields);
  g_mutex_unlock (&ca->mutex);

  if (override == NULL || override->status == TEST_DOUBLE_OTHER_KEY) {
    going = send_answer (ca, exchange, status, fields, body);
  } else if (override->status == TEST_DOUBLE_LARGE) {
    g_autofree char *large = g_strnfill (LARGE, ' ');

    going = send_answer (ca, exchange, 200, "", large);
  } else if (override->status < 100) {
    going = FALSE;
  } else {
    going = send_answer (ca, exchange, override->status, override->fields, override->body);
  }
  g_clear_pointer (&override, override_free);
  return going;
}

/* --- for tests --- */

TestDouble *
test_double_new (void)
{
  TestDouble *ca = g_new0 (TestDouble, 1);
  g_autoptr (GTlsCertificate) certificate_of_server = NULL;

  g_mutex_init (&ca->mutex);
  ca->overrides = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, override_free);
  ca->counts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  ca->payloads = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  ca->status = "pending";
  ca->ca = test_ca_new ("double");
  certificate_of_server = test_ca_new_server (ca->ca);
  ca->server = test_server_new (certificate_of_server, 0, serve, ca);
  ca->base = test_server_get_url (ca->server, "");
  ca->url = test_server_get_url (ca->server, "/dir");
  return ca;
}

void
test_double_free (TestDouble *ca)
{
  test_server_free (ca->server);
  test_ca_free (ca->ca);
  g_hash_table_unref (ca->overrides);
  g_hash_table_unref (ca->counts);
  g_hash_table_unref (ca->payloads);
  g_mutex_clear (&ca->mutex);
  g_free (ca->base);
  g_free (ca->url);
  g_free (ca->chain);
  g_free (ca->profile);
  g_free (ca);
}

const char *
test_double_get_url (TestDouble *ca)
{
  return ca->url;
}

const char *
test_double_get_trust (TestDouble *ca)
{
  return test_ca_get_pem (ca->ca);
}

void
test_double_say (TestDouble *ca, const char *path, guint times, guint status, const char *fields,
                 const char *body)
{
  Override *override = g_new0 (Override, 1);

  override->times = times;
  override->status = status;
  override->fields = g_strdup (fields);
  override->body = g_strdup (body);
  g_mutex_lock (&ca->mutex);
  g_hash_table_insert (ca->overrides, g_strdup (path), override);
  g_mutex_unlock (&ca->mutex);
}

void
test_double_refuse (TestDouble *ca, const char *path, guint times, guint status, const char *fields,
                    const char *type, const char *detail)
{
  g_autofree char *body = g_strdup_printf (
      "{\"type\":\"urn:ietf:params:acme:error:%s\",\"detail\":\"%s\"}", type, detail);

  test_double_say (ca, path, times, status, fields, body);
}

void
test_double_relent (TestDouble *ca, const char *path)
{
  g_mutex_lock (&ca->mutex);
  g_hash_table_remove (ca->overrides, path);
  g_mutex_unlock (&ca->mutex);
}

void
test_double_list_orders (TestDouble *ca)
{
  g_mutex_lock (&ca->mutex);
  ca->lists_orders = TRUE;
  g_mutex_unlock (&ca->mutex);
}

void
test_double_reset (TestDouble *ca)
{
  g_mutex_lock (&ca->mutex);
  ca->status = "pending";
  g_hash_table_remove_all (ca->overrides);
  g_mutex_unlock (&ca->mutex);
}

guint
test_double_count (TestDouble *ca, const char *path)
{
  guint count;

  g_mutex_lock (&ca->mutex);
  count = GPOINTER_TO_UINT (g_hash_table_lookup (ca->counts, path));
  g_mutex_unlock (&ca->mutex);
  return count;
}

char *
test_double_get_payload (TestDouble *ca, const char *path)
{
  char *payload;

  g_mutex_lock (&ca->mutex);
  payload = g_strdup (g_hash_table_lookup (ca->payloads, path));
  g_mutex_unlock (&ca->mutex);
  return payload;
}
