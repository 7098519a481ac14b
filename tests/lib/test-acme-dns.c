// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A double of acme-dns.
 */
#include "test-acme-dns.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "test-ca.h"
#include "test-dns.h"
#include "test-server.h"

#define KEPT 2

struct TestAcmeDns {
  TestRig *rig;
  const char *key, *zone, *name;
  TestCa *ca;
  TestServer *server;
  char *url;
  GMutex mutex;       /* for what follows */
  char *values[KEPT]; /* the older first; NULL: none yet */
  guint updates;
  gboolean fails;
};

static gboolean
has_field (TestExchange *exchange, const char *name, const char *value)
{
  g_autofree char *line = g_strdup_printf ("\r\n%s: %s\r\n", name, value);

  return strstr (exchange->head, line) != NULL;
}

static gboolean
refuse (TestExchange *exchange, guint status, const char *word)
{
  g_autofree char *body = g_strdup_printf ("{\"error\": \"%s\"}", word);

  return test_exchange_answer (exchange, status, "Content-Type: application/json\r\n", body);
}

/* The digest of a key authorization. */
static gboolean
is_txt (const char *text)
{
  return strlen (text) == 43
         && strspn (text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == 43;
}

/* Takes TXT. */
static void
keep (TestAcmeDns *acme_dns, char *txt)
{
  GString *change = g_string_new (NULL);

  g_free (acme_dns->values[0]);
  acme_dns->values[0] = acme_dns->values[1];
  acme_dns->values[1] = txt;
  g_string_printf (change, "delete %s TXT", acme_dns->name);
  for (guint i = 0; i < KEPT; i++) {
    if (acme_dns->values[i] != NULL)
      g_string_append_printf (change, "\nupdate add %s 1 TXT \"%s\"", acme_dns->name,
                              acme_dns->values[i]);
  }
  test_dns_update (acme_dns->rig, acme_dns->key, acme_dns->zone, change->str);
  acme_dns->updates++;
  g_string_free (change, TRUE);
}

static gboolean
update (TestAcmeDns *acme_dns, TestExchange *exchange)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  gsize size;
  const char *text = g_bytes_get_data (exchange->body, &size);
  g_autofree char *answer = NULL;
  const char *subdomain, *txt;
  JsonObject *object;

  if (!json_parser_load_from_data (parser, text, (gssize) size, NULL))
    return refuse (exchange, 400, "malformed_json_payload");
  object = json_node_get_object (json_parser_get_root (parser));
  subdomain = json_object_get_string_member_with_default (object, "subdomain", "");
  txt = json_object_get_string_member_with_default (object, "txt", "");
  if (!has_field (exchange, "X-Api-User", TEST_ACME_DNS_USERNAME)
      || !has_field (exchange, "X-Api-Key", TEST_ACME_DNS_PASSWORD)
      || !g_str_equal (subdomain, TEST_ACME_DNS_SUBDOMAIN))
    return refuse (exchange, 401, "forbidden");
  if (!is_txt (txt))
    return refuse (exchange, 400, "bad_txt");
  answer = g_strdup_printf ("{\"txt\": \"%s\"}", txt);
  keep (acme_dns, g_strdup (txt));
  return test_exchange_answer (exchange, 200, "Content-Type: application/json\r\n", answer);
}

static gboolean
handle (TestExchange *exchange, gpointer data)
{
  TestAcmeDns *acme_dns = data;
  gboolean kept;

  if (!g_str_equal (exchange->method, "POST") || !g_str_equal (exchange->path, "/update"))
    return test_exchange_answer (exchange, 404, NULL, "404 page not found\n");
  g_mutex_lock (&acme_dns->mutex);
  kept = acme_dns->fails ? refuse (exchange, 500, "db_error") : update (acme_dns, exchange);
  g_mutex_unlock (&acme_dns->mutex);
  return kept;
}

TestAcmeDns *
test_acme_dns_new (TestRig *rig, const char *key, const char *zone, const char *name)
{
  TestAcmeDns *acme_dns = g_new0 (TestAcmeDns, 1);
  g_autoptr (GTlsCertificate) certificate = NULL;

  acme_dns->rig = rig;
  acme_dns->key = key;
  acme_dns->zone = zone;
  acme_dns->name = name;
  g_mutex_init (&acme_dns->mutex);
  acme_dns->ca = test_ca_new ("acme-dns");
  certificate = test_ca_new_server (acme_dns->ca);
  acme_dns->server = test_server_new (certificate, 0, handle, acme_dns);
  acme_dns->url = test_server_get_url (acme_dns->server, "");
  return acme_dns;
}

void
test_acme_dns_free (TestAcmeDns *acme_dns)
{
  if (acme_dns == NULL)
    return;
  test_server_free (acme_dns->server);
  test_ca_free (acme_dns->ca);
  for (guint i = 0; i < KEPT; i++)
    g_free (acme_dns->values[i]);
  g_mutex_clear (&acme_dns->mutex);
  g_free (acme_dns->url);
  g_free (acme_dns);
}

const char *
test_acme_dns_get_url (TestAcmeDns *acme_dns)
{
  return acme_dns->url;
}

const char *
test_acme_dns_get_trust (TestAcmeDns *acme_dns)
{
  return test_ca_get_pem (acme_dns->ca);
}

guint
test_acme_dns_get_updates (TestAcmeDns *acme_dns)
{
  guint updates;

  g_mutex_lock (&acme_dns->mutex);
  updates = acme_dns->updates;
  g_mutex_unlock (&acme_dns->mutex);
  return updates;
}

void
test_acme_dns_fail (TestAcmeDns *acme_dns)
{
  g_mutex_lock (&acme_dns->mutex);
  acme_dns->fails = TRUE;
  g_mutex_unlock (&acme_dns->mutex);
}
