// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The tls-alpn-01 front in this process, asked by GnuTLS and OpenSSL as a validator asks, and by those
 * who are none. The vectors are RFC 8738's reverse names and a key authorization whose digest other
 * programs agree on.
 */
#include "responder/tls-front.h"

#include <string.h>

#include "front-fixture.h"
#include "manual-clock.h"
#include "plugin/error.h"
#include "tls-client.h"

#define TOKEN "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
#define KEY_AUTHORIZATION TOKEN ".9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
#define EXTENSION "042094233b719c905dc5472b69e75b78e3021353dc5be6d7c50dfa45996649caa183"
#define NAME "www.example.org"
#define PROTOCOL "acme-tls/1"

static HerdFront *
make (HerdFlight *flight, HerdClock *clock)
{
  g_autoptr (GError) error = NULL;
  HerdFront *front = herd_tls_front_new (flight, clock, &error);

  g_assert_no_error (error);
  return front;
}

static GPtrArray *
challenges_for (const char *identifier, const char *token)
{
  GPtrArray *challenges = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_challenge_unref);
  g_autofree char *key_authorization = g_strconcat (token, strchr (KEY_AUTHORIZATION, '.'), NULL);

  g_ptr_array_add (challenges,
                   herd_challenge_new ("tls-alpn-01", identifier, token, key_authorization));
  return challenges;
}

static void
present (FrontFixture *fixture, const char *identifier)
{
  g_autoptr (GPtrArray) challenges = challenges_for (identifier, TOKEN);
  g_autoptr (GError) error = NULL;

  herd_flight_add (fixture->flight, challenges, &error);
  g_assert_no_error (error);
}

static void
setup (FrontFixture *fixture, gconstpointer data)
{
  front_fixture_set_up (fixture, make);
  present (fixture, NAME);
}

static void
teardown (FrontFixture *fixture, gconstpointer data)
{
  front_fixture_tear_down (fixture);
}

/* --- the certificate --- */

static void
assert_extensions (gnutls_x509_crt_t certificate)
{
  guint names = 0, identifiers = 0;
  char oid[64];
  gsize size = sizeof oid;
  guint critical;

  for (guint i = 0; gnutls_x509_crt_get_extension_info (certificate, i, oid, &size, &critical) >= 0;
       i++) {
    guint8 value[128];
    gsize length = sizeof value;

    names += g_str_equal (oid, "2.5.29.17");
    size = sizeof oid;
    if (!g_str_equal (oid, "1.3.6.1.5.5.7.1.31"))
      continue;
    g_autoptr (GString) hex = g_string_new (NULL);

    identifiers++;
    g_assert_true (critical);
    g_assert_cmpint (gnutls_x509_crt_get_extension_data (certificate, i, value, &length), ==, 0);
    for (gsize j = 0; j < length; j++)
      g_string_append_printf (hex, "%02x", value[j]);
    g_assert_cmpstr (hex->str, ==, EXTENSION);
  }
  g_assert_cmpuint (names, ==, 1);
  g_assert_cmpuint (identifiers, ==, 1);
}

/* What a validator sees that asks for SERVER_NAME: one certificate for NAME of TYPE, and no data. */
static void
assert_proof (FrontFixture *fixture, const TlsHello *hello, guint type, gconstpointer name,
              gsize length)
{
  gnutls_datum_t protocol = { NULL, 0 };
  gnutls_x509_crt_t certificate;
  TlsClient client;

  tls_client_begin (fixture, hello, &client);
  g_assert_cmpint (tls_client_shake (&client), ==, 0);
  g_assert_cmpint (gnutls_alpn_get_selected_protocol (client.session, &protocol), ==, 0);
  g_assert_cmpmem (protocol.data, protocol.size, PROTOCOL, strlen (PROTOCOL));
  certificate = tls_client_get_certificate (&client);
  assert_extensions (certificate);
  tls_client_assert_one_name (certificate, type, name, length);
  tls_client_assert_self_signed (certificate, fixture->clock);
  gnutls_x509_crt_deinit (certificate);
  g_assert_cmpint (tls_client_receive (&client), ==, 0);
  tls_client_end (&client);
  front_fixture_wait (fixture, 0);
}

/* --- tests --- */

static void
test_names (FrontFixture *fixture, gconstpointer data)
{
  const TlsHello hello = { NAME, PROTOCOL, NULL };
  const TlsHello capitals = { "WWW.Example.ORG", PROTOCOL, NULL };

  assert_proof (fixture, &hello, GNUTLS_SAN_DNSNAME, NAME, strlen (NAME));
  assert_proof (fixture, &capitals, GNUTLS_SAN_DNSNAME, NAME, strlen (NAME));
}

static void
test_addresses (FrontFixture *fixture, gconstpointer data)
{
  static const guint8 four[] = { 192, 0, 2, 7 };
  static const guint8 six[] = { 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 };
  const TlsHello hello_four = { "7.2.0.192.in-addr.arpa", PROTOCOL, NULL };
  const TlsHello hello_six = { "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
                               "ip6.arpa",
                               PROTOCOL, NULL };
  const TlsHello literal = { "192.0.2.7", PROTOCOL, NULL };

  present (fixture, "192.0.2.7");
  present (fixture, "2001:db8::1");
  assert_proof (fixture, &hello_four, GNUTLS_SAN_IPADDRESS, four, sizeof four);
  assert_proof (fixture, &hello_six, GNUTLS_SAN_IPADDRESS, six, sizeof six);
  tls_client_assert_alert (fixture, &literal, GNUTLS_A_UNRECOGNIZED_NAME);
}

static void
test_versions (FrontFixture *fixture, gconstpointer data)
{
  const TlsHello two = { NAME, PROTOCOL, "NORMAL:-VERS-ALL:+VERS-TLS1.2" };
  const TlsHello three = { NAME, PROTOCOL, "NORMAL:-VERS-ALL:+VERS-TLS1.3" };
  const TlsHello one = { NAME, PROTOCOL, "NORMAL:-VERS-ALL:+VERS-TLS1.1:+SHA1" };
  /* Its first key share is of a group that the front has not: it is asked to say hello again. */
  const TlsHello again = { NAME, PROTOCOL,
                           "NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-FFDHE8192:"
                           "+GROUP-SECP256R1" };

  assert_proof (fixture, &two, GNUTLS_SAN_DNSNAME, NAME, strlen (NAME));
  assert_proof (fixture, &three, GNUTLS_SAN_DNSNAME, NAME, strlen (NAME));
  assert_proof (fixture, &again, GNUTLS_SAN_DNSNAME, NAME, strlen (NAME));
  tls_client_assert_alert (fixture, &one, GNUTLS_A_PROTOCOL_VERSION);
}

static void
test_strangers (FrontFixture *fixture, gconstpointer data)
{
  static const struct {
    TlsHello hello;
    gnutls_alert_description_t alert;
  } strangers[] = {
    { { NAME, NULL, NULL }, GNUTLS_A_NO_APPLICATION_PROTOCOL },
    { { NAME, "h2", NULL }, GNUTLS_A_NO_APPLICATION_PROTOCOL },
    { { NULL, NULL, NULL }, GNUTLS_A_NO_APPLICATION_PROTOCOL },
    { { "other.example.org", "http/1.1", NULL }, GNUTLS_A_NO_APPLICATION_PROTOCOL },
    { { NULL, PROTOCOL, NULL }, GNUTLS_A_UNRECOGNIZED_NAME },
    { { "other.example.org", PROTOCOL, NULL }, GNUTLS_A_UNRECOGNIZED_NAME },
    { { "example.org", PROTOCOL, NULL }, GNUTLS_A_UNRECOGNIZED_NAME },
    { { "7.2.0.192.in-addr.arpa", PROTOCOL, NULL }, GNUTLS_A_UNRECOGNIZED_NAME },
  };
  static const char *const priorities[] = { "NORMAL:-VERS-ALL:+VERS-TLS1.2",
                                            "NORMAL:-VERS-ALL:+VERS-TLS1.3" };

  for (guint i = 0; i < G_N_ELEMENTS (strangers); i++) {
    for (guint j = 0; j < G_N_ELEMENTS (priorities); j++) {
      TlsHello hello = strangers[i].hello;

      hello.priority = priorities[j];
      tls_client_assert_alert (fixture, &hello, strangers[i].alert);
    }
  }
}

static void
count_sighting (HerdChallenge *challenge, gpointer data)
{
  g_assert_cmpstr (challenge->identifier, ==, NAME);
  (*(guint *) data)++;
}

/* Who shakes hands has seen the proof; who is sent away has not. */
static void
test_sighting (FrontFixture *fixture, gconstpointer data)
{
  const TlsHello hello = { NAME, PROTOCOL, NULL };
  const TlsHello stranger = { "other.example.org", PROTOCOL, NULL };
  guint seen = 0;

  herd_flight_set_watcher (fixture->flight, count_sighting, &seen);
  tls_client_assert_alert (fixture, &stranger, GNUTLS_A_UNRECOGNIZED_NAME);
  g_assert_cmpuint (seen, ==, 0);
  assert_proof (fixture, &hello, GNUTLS_SAN_DNSNAME, NAME, strlen (NAME));
  g_assert_cmpuint (seen, ==, 1);
}

/* Only while it is in hand. */
static void
test_withdrawn (FrontFixture *fixture, gconstpointer data)
{
  const TlsHello hello = { NAME, PROTOCOL, NULL };
  g_autoptr (GPtrArray) challenges = challenges_for (NAME, TOKEN);

  herd_flight_remove (fixture->flight, challenges);
  tls_client_assert_alert (fixture, &hello, GNUTLS_A_UNRECOGNIZED_NAME);
  present (fixture, NAME);
  assert_proof (fixture, &hello, GNUTLS_SAN_DNSNAME, NAME, strlen (NAME));
  herd_flight_clear (fixture->flight);
  tls_client_assert_alert (fixture, &hello, GNUTLS_A_UNRECOGNIZED_NAME);
}

/* There is one certificate for a name, and so one proof; of a batch all are taken, or none. */
static void
test_taken (FrontFixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) other = challenges_for (NAME, "another-token-0123456789abc");
  g_autoptr (GPtrArray) same = challenges_for (NAME, TOKEN);
  g_autoptr (GPtrArray) twice = challenges_for ("192.0.2.7", TOKEN);
  g_autoptr (GPtrArray) reverse = challenges_for ("7.2.0.192.in-addr.arpa", TOKEN);
  g_autoptr (GError) error = NULL;

  g_assert_false (herd_flight_add (fixture->flight, other, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_BUSY);
  g_assert_nonnull (strstr (error->message, NAME));
  g_clear_error (&error);
  g_assert_true (herd_flight_add (fixture->flight, same, &error));
  g_assert_cmpuint (herd_flight_get_size (fixture->flight), ==, 1);
  g_ptr_array_extend_and_steal (twice, g_steal_pointer (&reverse));
  g_assert_false (herd_flight_add (fixture->flight, twice, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_BUSY);
  g_assert_cmpuint (herd_flight_get_size (fixture->flight), ==, 1);
  g_assert_null (herd_flight_find_by_server_name (fixture->flight, "7.2.0.192.in-addr.arpa"));
  herd_flight_clear (fixture->flight);
  g_assert_true (herd_flight_add (fixture->flight, other, NULL));
}

/* What is no TLS gets an alert at most, and never anything of what it said. */
static void
test_garbage (FrontFixture *fixture, gconstpointer data)
{
  static const struct {
    const char *data;
    gsize size;
  } garbage[] = {
#define BYTES(text) { text, sizeof text - 1 }
    BYTES ("GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n"),
    BYTES ("SSH-2.0-OpenSSH_9.2\r\n"),
    BYTES ("\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10 an old hello"),
    BYTES ("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03"),
    BYTES ("\x16\x03\x01\xff\xff\x01\x00\xff\xfb\x03\x03"),
    BYTES ("\x16\x03\x01\x00\x04\x01\xff\xff\xff"),
    BYTES ("\x16\x03\x01\x00\x04\x02\x00\x00\x00"),
    BYTES ("\x17\x03\x03\x00\x01x"),
    BYTES ("\x15\x03\x03\x00\x02\x02\x28"),
    BYTES ("\x14\x03\x03\x00\x01\x01"),
    BYTES ("\x18\x03\x02\x00\x03\x01\x40\x00"),
    BYTES ("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
#undef BYTES
  };

  for (guint i = 0; i < G_N_ELEMENTS (garbage); i++) {
    g_autoptr (GSocket) client = front_fixture_join (fixture, 1);
    g_autoptr (GBytes) answer = NULL;
    const guint8 *bytes;
    gsize size;

    front_fixture_say (client, garbage[i].data, garbage[i].size);
    g_socket_shutdown (client, FALSE, TRUE, NULL);
    answer = front_fixture_listen_to (client);
    bytes = g_bytes_get_data (answer, &size);
    g_test_message ("%u: %" G_GSIZE_FORMAT " bytes", i, size);
    g_assert_true (size == 0 || (size == 7 && bytes[0] == 0x15));
    front_fixture_wait (fixture, 0);
  }
}

/* A ClientHello that never ends is not kept. */
static void
test_endless (FrontFixture *fixture, gconstpointer data)
{
  enum { SIZE = 5 + 16384 };
  static const guint8 overflow[] = { 2, 22 }; /* fatal, record_overflow */
  static const guint8 first[] = { 0x16, 0x03, 0x01, 0x40, 0x00, 0x01, 0xff, 0xff, 0xff };
  g_autoptr (GSocket) client = front_fixture_join (fixture, 1);
  g_autofree guint8 *record = g_malloc0 (SIZE);
  g_autoptr (GBytes) answer = NULL;

  memcpy (record, first, sizeof first);
  front_fixture_say (client, record, SIZE);
  for (guint i = 0; i < 100; i++)
    g_main_context_iteration (NULL, FALSE);
  memset (record + 5, 0, 4);
  for (guint i = 0; i < 2; i++)
    front_fixture_say (client, record, SIZE);
  answer = front_fixture_listen_to (client);
  g_assert_cmpuint (g_bytes_get_size (answer), ==, 7);
  g_assert_cmpmem ((const guint8 *) g_bytes_get_data (answer, NULL) + 5, 2, overflow, 2);
  g_clear_object (&client);
  front_fixture_wait (fixture, 0);
}

/* Application data is neither answered nor waited for. */
static void
test_data (FrontFixture *fixture, gconstpointer data)
{
  const TlsHello hello = { NAME, PROTOCOL, NULL };
  static const char question[] = "GET / HTTP/1.0\r\n\r\n";
  TlsClient client;

  tls_client_begin (fixture, &hello, &client);
  g_assert_cmpint (tls_client_shake (&client), ==, 0);
  g_assert_cmpint (gnutls_record_send (client.session, question, strlen (question)), ==,
                   strlen (question));
  g_assert_cmpint (tls_client_receive (&client), ==, 0);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->clock), ==, 1);
  herd_manual_clock_advance (fixture->clock, HERD_FRONT_DEADLINE);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->clock), ==, 0);
  tls_client_end (&client);
}

/* The whole handshake has one deadline, whatever is said meanwhile. */
static void
test_slow (FrontFixture *fixture, gconstpointer data)
{
  g_autoptr (GSocket) silent = front_fixture_join (fixture, 1);
  g_autoptr (GSocket) slow = front_fixture_join (fixture, 2);
  static const char head[] = "\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03";

  for (guint i = 0; i < 9; i++) {
    front_fixture_say (slow, head + i, 1);
    while (g_main_context_iteration (NULL, FALSE))
      continue;
    herd_manual_clock_advance (fixture->clock, HERD_SECOND);
  }
  g_assert_false (front_fixture_is_closed (silent));
  g_assert_false (front_fixture_is_closed (slow));
  herd_manual_clock_advance (fixture->clock, HERD_SECOND);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->clock), ==, 0);
  g_assert_true (front_fixture_is_closed (silent));
  g_assert_true (front_fixture_is_closed (slow));
}

static void
test_many (FrontFixture *fixture, gconstpointer data)
{
  const TlsHello hello = { NAME, PROTOCOL, NULL };
  g_autoptr (GPtrArray) clients = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GSocket) late = NULL;
  TlsClient validator;

  for (guint i = 0; i < HERD_FRONT_CLIENTS - 1; i++)
    g_ptr_array_add (clients, front_fixture_join (fixture, i + 1));
  tls_client_begin (fixture, &hello, &validator);
  g_assert_cmpint (tls_client_shake (&validator), ==, 0);
  tls_client_end (&validator);
  front_fixture_wait (fixture, HERD_FRONT_CLIENTS - 1);
  g_ptr_array_add (clients, front_fixture_join (fixture, HERD_FRONT_CLIENTS));
  late = front_fixture_join (fixture, HERD_FRONT_CLIENTS);
  while (!front_fixture_is_closed (g_ptr_array_index (clients, 0)))
    g_main_context_iteration (NULL, TRUE);
  g_assert_false (front_fixture_is_closed (g_ptr_array_index (clients, 1)));
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->clock), ==, HERD_FRONT_CLIENTS);
}

/* A client may go at any point. */
static void
test_gone (FrontFixture *fixture, gconstpointer data)
{
  const TlsHello hello = { NAME, PROTOCOL, NULL };

  for (guint steps = 0; steps < 4; steps++) {
    TlsClient client;

    tls_client_begin (fixture, &hello, &client);
    for (guint i = 0; i < steps; i++) {
      gnutls_handshake (client.session);
      g_main_context_iteration (NULL, FALSE);
    }
    tls_client_end (&client);
    front_fixture_wait (fixture, 0);
  }
}

/* --- openssl s_client --- */

static void
on_output (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (
      g_subprocess_communicate_utf8_finish (G_SUBPROCESS (source), result, data, NULL, &error));
  g_assert_no_error (error);
}

static char *
ask_openssl (FrontFixture *fixture, const char *name, const char *protocol)
{
  g_autofree char *address = g_strdup_printf (
      "127.0.0.1:%u", g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (fixture->address)));
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess)
      openssl = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE
                                      | G_SUBPROCESS_FLAGS_STDERR_MERGE,
                                  &error, "openssl", "s_client", "-connect", address, "-servername",
                                  name, "-alpn", protocol, NULL);
  char *output = NULL;

  g_assert_no_error (error);
  g_subprocess_communicate_utf8_async (openssl, "", NULL, on_output, &output);
  while (output == NULL)
    g_main_context_iteration (NULL, TRUE);
  front_fixture_wait (fixture, 0);
  return output;
}

static void
test_openssl (FrontFixture *fixture, gconstpointer data)
{
  g_autofree char *good = ask_openssl (fixture, NAME, PROTOCOL);
  g_autofree char *both = ask_openssl (fixture, NAME, "h2," PROTOCOL);
  g_autofree char *wrong = ask_openssl (fixture, NAME, "h2");
  g_autofree char *unknown = ask_openssl (fixture, "example.org", PROTOCOL);

  g_assert_nonnull (strstr (good, "ALPN protocol: " PROTOCOL));
  g_assert_nonnull (strstr (good, "-----BEGIN CERTIFICATE-----"));
  g_assert_nonnull (strstr (both, "ALPN protocol: " PROTOCOL));
  g_assert_nonnull (strstr (wrong, "SSL alert number 120"));
  g_assert_nonnull (strstr (unknown, "SSL alert number 112"));
  g_assert_null (strstr (unknown, "-----BEGIN CERTIFICATE-----"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/tls-front/" name, FrontFixture, NULL, setup, function, teardown)
  ADD ("names", test_names);
  ADD ("addresses", test_addresses);
  ADD ("versions", test_versions);
  ADD ("strangers", test_strangers);
  ADD ("sighting", test_sighting);
  ADD ("withdrawn", test_withdrawn);
  ADD ("taken", test_taken);
  ADD ("garbage", test_garbage);
  ADD ("endless", test_endless);
  ADD ("data", test_data);
  ADD ("slow", test_slow);
  ADD ("many", test_many);
  ADD ("gone", test_gone);
  ADD ("openssl", test_openssl);
  return g_test_run ();
}
