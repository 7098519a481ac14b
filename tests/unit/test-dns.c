// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Questions to real servers (BIND and Knot, tests/lib/dns.py), and to a UDP double that gives the
 * answers that no real one gives.
 */
#include <string.h>

#include "manual-clock.h"
#include "net/dns-place.h"
#include "net/dns.h"
#include "plugin/error.h"
#include "test-dns.h"

typedef struct {
  TestRig *rig;
  HerdClock *clock;
  HerdDns *dns;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  HerdDnsOptions options;

  fixture->rig = (TestRig *) data;
  fixture->clock = herd_clock_new_system ();
  options = (HerdDnsOptions){ .clock = fixture->clock,
                              .resolvers = test_rig_get (fixture->rig, "RESOLVER"),
                              .port = test_dns_get_port (fixture->rig) };
  fixture->dns = herd_dns_new (&options);
}

static void
tear_down (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  herd_dns_unref (fixture->dns);
  herd_clock_unref (fixture->clock);
}

static void
on_result (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static void
wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
}

static HerdDnsAnswer *
ask (Fixture *fixture, const char *name, HerdDnsType type, const char *server, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  herd_dns_query_async (fixture->dns, name, type, server, NULL, on_result, &result);
  wait_for (&result);
  return herd_dns_query_finish (fixture->dns, result, error);
}

static const char *
get_server (Fixture *fixture, const char *key)
{
  return test_rig_get (fixture->rig, key);
}

#define assert_says(error, code, words)                                                            \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_assert_error (error, HERD_ERROR, code);                                                      \
    if (strstr ((error)->message, words) == NULL)                                                  \
      g_error ("\"%s\" does not say \"%s\"", (error)->message, words);                             \
    g_clear_error (&(error));                                                                      \
  }                                                                                                \
  G_STMT_END

static void
test_types (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const struct {
    const char *name;
    HerdDnsType type;
    const char *text;
  } rows[] = { { "www.example.test", HERD_DNS_A, "192.0.2.1" },
               { "www.example.test", HERD_DNS_AAAA, "2001:db8::1" },
               { "alias.example.test", HERD_DNS_CNAME, "www.example.test" },
               { "example.test", HERD_DNS_NS, "ns1.example.test" },
               { "example.test", HERD_DNS_SOA, "ns1.example.test" } };

  for (guint i = 0; i < G_N_ELEMENTS (rows) * 2; i++) {
    const char *server = i % 2 == 0 ? NULL : get_server (fixture, "BIND");
    g_autoptr (GError) error = NULL;
    g_autoptr (HerdDnsAnswer)
        answer = ask (fixture, rows[i / 2].name, rows[i / 2].type, server, &error);

    g_assert_no_error (error);
    g_assert_cmpuint (answer->rcode, ==, 0);
    g_assert_true (answer->authoritative == (server != NULL));
    g_assert_cmpstr (herd_dns_answer_find (answer, rows[i / 2].name, rows[i / 2].type)->text, ==,
                     rows[i / 2].text);
  }
}

static void
test_caa (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  for (guint i = 0; i < 2; i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (HerdDnsAnswer) answer = ask (fixture, "caa.test", HERD_DNS_CAA,
                                            get_server (fixture, i == 0 ? "BIND" : "KNOT"), &error);
    guint critical = 0;

    g_assert_no_error (error);
    g_assert_cmpuint (answer->answers->len, ==, 3);
    for (guint j = 0; j < 3; j++)
      critical += ((HerdDnsRecord *) answer->answers->pdata[j])->flags == 128;
    g_assert_cmpuint (critical, ==, 1);
  }
}

/* The strings of one record are one text, records stay apart. */
static void
test_strings (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdDnsAnswer)
      answer = ask (fixture, "strings.example.test", HERD_DNS_TXT, NULL, &error);
  gsize sizes[2];

  g_assert_no_error (error);
  g_assert_cmpuint (answer->answers->len, ==, 2);
  for (guint i = 0; i < 2; i++)
    sizes[i] = g_bytes_get_size (((HerdDnsRecord *) answer->answers->pdata[i])->data);
  g_assert_cmpuint (MAX (sizes[0], sizes[1]), ==, strlen ("one two"));
  g_assert_cmpuint (MIN (sizes[0], sizes[1]), ==, strlen ("three"));
}

/* Too large for a datagram: the server truncates, and is asked over TCP. */
static void
test_tcp (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdDnsAnswer) answer = ask (fixture, "big.example.test", HERD_DNS_TXT,
                                          get_server (fixture, "BIND"), &error);

  g_assert_no_error (error);
  g_assert_cmpuint (answer->answers->len, ==, 100);
  g_assert_true (answer->authoritative);
}

static void
test_negative (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdDnsAnswer) missing = ask (fixture, "no.example.test", HERD_DNS_TXT, NULL, &error);
  g_autoptr (HerdDnsAnswer) foreign = NULL;

  g_assert_no_error (error);
  g_assert_cmpuint (missing->rcode, ==, 3);
  g_assert_cmpuint (missing->answers->len, ==, 0);
  g_assert_cmpstr (((HerdDnsRecord *) missing->authorities->pdata[0])->owner, ==, "example.test");
  foreign = ask (fixture, "example.test", HERD_DNS_TXT, get_server (fixture, "KNOT"), &error);
  g_assert_no_error (error);
  g_assert_cmpuint (foreign->rcode, ==, 5);
}

static void
test_unreachable (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  const char *nobody = get_server (fixture, "NOBODY");
  g_autoptr (GError) error = NULL;

  g_assert_null (ask (fixture, "example.test", HERD_DNS_TXT, nobody, &error));
  g_assert_nonnull (strstr (error->message, nobody));
  assert_says (error, HERD_ERROR_UNREACHABLE, "TXT of example.test");
  g_assert_null (ask (fixture, "example.test", HERD_DNS_TXT, "not an address", &error));
  assert_says (error, HERD_ERROR_INVALID_ARGUMENT, "not an address");
  g_assert_null (ask (fixture, "a..b", HERD_DNS_TXT, nobody, &error));
  assert_says (error, HERD_ERROR_INVALID_ARGUMENT, "a..b");
}

/* --- the double: answers of our making, to whoever asks --- */

typedef struct {
  GSocket *socket;
  char *address;
  GSource *source;
  const guint8 *reply; /* what follows the header and the question; NULL: silence */
  gsize size;
  guint8 flags[2], counts[2]; /* answers, authorities */
  guint asked;
} Double;

static gboolean
on_question (GSocket *socket, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
  Double *dns = data;
  guint8 question[512];
  guint8 answer[4096] = { 0 };
  g_autoptr (GSocketAddress) from = NULL;
  gssize size = g_socket_receive_from (socket, &from, (char *) question, sizeof question, NULL,
                                       NULL);
  gsize end = 12 + strlen ((const char *) question + 12) + 5;

  g_assert_cmpint (size, >, 12);
  dns->asked++;
  if (dns->reply == NULL)
    return G_SOURCE_CONTINUE;
  memcpy (answer, question, end);
  memcpy (answer + 2, dns->flags, 2);
  answer[7] = dns->counts[0];
  answer[9] = dns->counts[1];
  answer[11] = 0;
  memcpy (answer + end, dns->reply, dns->size);
  g_socket_send_to (socket, from, (const char *) answer, end + dns->size, NULL, NULL);
  return G_SOURCE_CONTINUE;
}

static void
double_start (Double *dns)
{
  g_autoptr (GError) error = NULL;

  memset (dns, 0, sizeof *dns);
  dns->socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, 0, &error);
  g_assert_no_error (error);
  for (;;) {
    guint16 port = (guint16) g_random_int_range (20000, 32000);
    g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string ("127.0.0.1", port);

    if (g_socket_bind (dns->socket, address, FALSE, NULL)) {
      dns->address = g_strdup_printf ("127.0.0.1:%u", port);
      break;
    }
  }
  dns->source = g_socket_create_source (dns->socket, G_IO_IN, NULL);
  g_source_set_callback (dns->source, G_SOURCE_FUNC (on_question), dns, NULL);
  g_source_attach (dns->source, NULL);
}

static void
double_stop (Double *dns)
{
  g_source_destroy (dns->source);
  g_source_unref (dns->source);
  g_object_unref (dns->socket);
  g_free (dns->address);
}

#define SET_REPLY(dns, flag_bytes, n_answers, literal)                                             \
  G_STMT_START                                                                                     \
  {                                                                                                \
    (dns)->reply = (const guint8 *) literal;                                                       \
    (dns)->size = sizeof literal - 1;                                                              \
    memcpy ((dns)->flags, flag_bytes, 2);                                                          \
    (dns)->counts[0] = n_answers;                                                                  \
  }                                                                                                \
  G_STMT_END

static void
test_malformed (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdDnsAnswer) answer = NULL;
  Double dns;

  double_start (&dns);
  /* fewer records than announced */
  SET_REPLY (&dns, "\204\0", 1, "");
  g_assert_null (ask (fixture, "x.test", HERD_DNS_TXT, dns.address, &error));
  assert_says (error, HERD_ERROR_REFUSED, "not a DNS message");
  /* a name that points to itself: x.test has 8 bytes, the answer begins at 24 */
  SET_REPLY (&dns, "\204\0", 1, "\300\30\0\20\0\1\0\0\0\0\0\2\1x");
  g_assert_null (ask (fixture, "x.test", HERD_DNS_TXT, dns.address, &error));
  assert_says (error, HERD_ERROR_REFUSED, dns.address);
  /* and one that is as it should be */
  SET_REPLY (&dns, "\204\0", 1, "\300\14\0\20\0\1\0\0\0\0\0\2\1x");
  answer = ask (fixture, "x.test", HERD_DNS_TXT, dns.address, &error);
  g_assert_nonnull (herd_dns_answer_find (answer, "x.test", HERD_DNS_TXT));
  double_stop (&dns);
}

/* A truncated answer, and nobody who would give it over TCP. */
static void
test_truncated (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  Double dns;

  double_start (&dns);
  SET_REPLY (&dns, "\206\0", 0, "");
  g_assert_null (ask (fixture, "x.test", HERD_DNS_TXT, dns.address, &error));
  assert_says (error, HERD_ERROR_UNREACHABLE, dns.address);
  double_stop (&dns);
}

static void
test_silence (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  HerdClock *clock = herd_manual_clock_new ();
  HerdDnsOptions options = { .clock = clock };
  g_autoptr (HerdDns) patient = herd_dns_new (&options);
  g_autoptr (GAsyncResult) late = NULL;
  g_autoptr (GAsyncResult) cancelled = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  Double dns;

  double_start (&dns);
  herd_dns_query_async (patient, "x.test", HERD_DNS_TXT, dns.address, NULL, on_result, &late);
  herd_dns_query_async (patient, "y.test", HERD_DNS_TXT, dns.address, cancellable, on_result,
                        &cancelled);
  while (dns.asked < 2)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (cancelled);
  g_cancellable_cancel (cancellable);
  wait_for (&cancelled);
  g_assert_null (herd_dns_query_finish (patient, cancelled, &error));
  assert_says (error, HERD_ERROR_CANCELLED, "y.test");
  g_assert_null (late);
  herd_manual_clock_advance (clock, 21 * HERD_SECOND);
  wait_for (&late);
  g_assert_null (herd_dns_query_finish (patient, late, &error));
  assert_says (error, HERD_ERROR_UNREACHABLE, "no answer in time");
  double_stop (&dns);
  herd_clock_unref (clock);
}

/* No more than 64 sockets at a time, and every question has its turn. */
static void
test_many (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  GAsyncResult *results[200] = { NULL };

  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    herd_dns_query_async (fixture->dns, "www.example.test", HERD_DNS_A,
                          get_server (fixture, "BIND"), NULL, on_result, &results[i]);
  for (guint i = 0; i < G_N_ELEMENTS (results); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (HerdDnsAnswer) answer = NULL;

    wait_for (&results[i]);
    answer = herd_dns_query_finish (fixture->dns, results[i], &error);
    g_assert_no_error (error);
    g_object_unref (results[i]);
  }
}

/* --- places --- */

static HerdDnsPlace *
find (Fixture *fixture, const char *name, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  herd_dns_place_find_async (fixture->dns, name, NULL, on_result, &result);
  wait_for (&result);
  return herd_dns_place_find_finish (fixture->dns, result, error);
}

static void
test_place (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const struct {
    const char *name, *end, *zone;
    guint servers;
  } rows[] = {
    { "_acme-challenge.example.test", "_acme-challenge.example.test", "example.test", 1 },
    { "_acme-challenge.www.example.test", "_acme-challenge.www.example.test", "example.test", 1 },
    { "_acme-challenge.cname.example.test", "token.auth.test", "auth.test", 1 },
    { "_acme-challenge.two.example.test", "token.auth.test", "auth.test", 1 },
    /* the parent is an alias into another zone, the name is not */
    { "_acme-challenge.away.example.test", "_acme-challenge.away.example.test", "example.test", 1 },
    /* a zone that only its parent's servers tell of */
    { "child.example.test", "child.example.test", "child.example.test", 1 },
    { "a.b.child.example.test", "a.b.child.example.test", "child.example.test", 1 },
    { "_acme-challenge.both.test", "_acme-challenge.both.test", "both.test", 2 },
    { "_acme-challenge.half.test", "_acme-challenge.half.test", "half.test", 2 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (HerdDnsPlace) place = find (fixture, rows[i].name, &error);

    g_assert_no_error (error);
    g_assert_cmpstr (place->name, ==, rows[i].end);
    g_assert_cmpstr (place->zone, ==, rows[i].zone);
    g_assert_cmpuint (place->servers->len, ==, rows[i].servers);
    g_assert_null (place->trouble);
  }
}

static void
test_place_trouble (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdDnsPlace) dead = NULL;
  g_autoptr (HerdDnsPlace) lame = NULL;

  g_assert_null (find (fixture, "_acme-challenge.circle.example.test", &error));
  assert_says (error, HERD_ERROR_REFUSED, "more than 8 CNAMEs");
  g_assert_null (find (fixture, "_acme-challenge.example.nowhere", &error));
  assert_says (error, HERD_ERROR_REFUSED, "_acme-challenge.example.nowhere: the resolvers know no");
  dead = find (fixture, "_acme-challenge.dead.test", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (dead->zone, ==, "dead.test");
  g_assert_nonnull (strstr (dead->trouble, get_server (fixture, "NOBODY")));
  lame = find (fixture, "_acme-challenge.lame.test", &error);
  g_assert_no_error (error);
  g_assert_nonnull (strstr (lame->trouble, "(ns1.lame.test) is not authoritative (REFUSED)"));
}

/* Whoever looked would make the resolver remember that there is nothing. */
static void
test_place_leaves_no_trace (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree char *path = g_build_filename (get_server (fixture, "DIRECTORY"), "resolver", "log",
                                            NULL);
  g_autofree char *log = NULL;
  g_autoptr (GError) error = NULL;
  G_GNUC_UNUSED g_autoptr (HerdDnsPlace)
      place = find (fixture, "_acme-challenge.trace.example.test", &error);

  g_assert_no_error (error);
  g_assert_cmpstr (place->zone, ==, "example.test");
  g_assert_true (g_file_get_contents (path, &log, NULL, NULL));
  g_assert_nonnull (strstr (log, "trace.example.test IN SOA"));
  g_assert_null (strstr (log, "_acme-challenge.trace"));
}

#define ADD(name, function) g_test_add ("/dns/" name, Fixture, rig, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_autoptr (TestRig) rig = NULL;

  g_test_init (&argc, &argv, NULL);
  rig = test_dns_new ();
  ADD ("types", test_types);
  ADD ("caa", test_caa);
  ADD ("strings", test_strings);
  ADD ("tcp", test_tcp);
  ADD ("negative", test_negative);
  ADD ("unreachable", test_unreachable);
  ADD ("malformed", test_malformed);
  ADD ("truncated", test_truncated);
  ADD ("silence", test_silence);
  ADD ("many", test_many);
  ADD ("place/found", test_place);
  ADD ("place/trouble", test_place_trouble);
  ADD ("place/leaves-no-trace", test_place_leaves_no_trace);
  return g_test_run ();
}
