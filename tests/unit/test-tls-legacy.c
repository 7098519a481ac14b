// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * tls-sni-01 in builds with legacy: no CA that is packaged validates it any more, so that it is asked by
 * a double of a validator, which does what the drafts say.
 */
#include "responder/tls-front.h"

#include <string.h>

#include "plugin/error.h"
#include "tls-client.h"

#define TOKEN "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
#define KEY_AUTHORIZATION TOKEN ".9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"
/* SHA-256 of that. */
#define SNI_NAME "94233b719c905dc5472b69e75b78e302.1353dc5be6d7c50dfa45996649caa183.acme.invalid"
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
challenges_of (const char *type)
{
  GPtrArray *challenges = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_challenge_unref);

  g_ptr_array_add (challenges, herd_challenge_new (type, NAME, TOKEN, KEY_AUTHORIZATION));
  return challenges;
}

static void
setup (FrontFixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) challenges = challenges_of ("tls-sni-01");
  g_autoptr (GError) error = NULL;

  front_fixture_set_up (fixture, make);
  herd_flight_add (fixture->flight, challenges, &error);
  g_assert_no_error (error);
}

static void
teardown (FrontFixture *fixture, gconstpointer data)
{
  front_fixture_tear_down (fixture);
}

/* The names of the certificate that who asks for SERVER_NAME is shown: one, NAME. */
static void
assert_shown (FrontFixture *fixture, const TlsHello *hello, const char *name)
{
  gnutls_x509_crt_t certificate;
  TlsClient client;

  tls_client_begin (fixture, hello, &client);
  g_assert_cmpint (tls_client_shake (&client), ==, 0);
  certificate = tls_client_get_certificate (&client);
  tls_client_assert_one_name (certificate, GNUTLS_SAN_DNSNAME, name, strlen (name));
  tls_client_assert_self_signed (certificate, fixture->clock);
  gnutls_x509_crt_deinit (certificate);
  g_assert_cmpint (tls_client_receive (&client), ==, 0);
  tls_client_end (&client);
  front_fixture_wait (fixture, 0);
}

static void
test_shown (FrontFixture *fixture, gconstpointer data)
{
  const TlsHello hello = { SNI_NAME, NULL, NULL };
  const TlsHello old = { SNI_NAME, NULL, "NORMAL:-VERS-ALL:+VERS-TLS1.2" };

  assert_shown (fixture, &hello, SNI_NAME);
  assert_shown (fixture, &old, SNI_NAME);
}

/* What makes it dangerous elsewhere is shown here to nobody who asks for anything else. */
static void
test_strangers (FrontFixture *fixture, gconstpointer data)
{
  const TlsHello by_name = { NAME, NULL, NULL };
  const TlsHello nobody = { NULL, NULL, NULL };
  const TlsHello other = { "00000000000000000000000000000000.00000000000000000000000000000000."
                           "acme.invalid",
                           NULL, NULL };
  const TlsHello with_protocol = { SNI_NAME, PROTOCOL, NULL };

  tls_client_assert_alert (fixture, &by_name, GNUTLS_A_NO_APPLICATION_PROTOCOL);
  tls_client_assert_alert (fixture, &nobody, GNUTLS_A_NO_APPLICATION_PROTOCOL);
  tls_client_assert_alert (fixture, &other, GNUTLS_A_NO_APPLICATION_PROTOCOL);
  tls_client_assert_alert (fixture, &with_protocol, GNUTLS_A_UNRECOGNIZED_NAME);
}

/* Both types for one name at a time, each in its own way. */
static void
test_beside (FrontFixture *fixture, gconstpointer data)
{
  const TlsHello sni = { SNI_NAME, NULL, NULL };
  const TlsHello alpn = { NAME, PROTOCOL, NULL };
  const TlsHello without = { NAME, NULL, NULL };
  g_autoptr (GPtrArray) challenges = challenges_of ("tls-alpn-01");
  g_autoptr (GPtrArray) old = challenges_of ("tls-sni-01");

  g_assert_true (herd_flight_add (fixture->flight, challenges, NULL));
  assert_shown (fixture, &sni, SNI_NAME);
  assert_shown (fixture, &alpn, NAME);
  tls_client_assert_alert (fixture, &without, GNUTLS_A_NO_APPLICATION_PROTOCOL);
  herd_flight_remove (fixture->flight, old);
  tls_client_assert_alert (fixture, &sni, GNUTLS_A_NO_APPLICATION_PROTOCOL);
  assert_shown (fixture, &alpn, NAME);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/tls-legacy/" name, FrontFixture, NULL, setup, function, teardown)
  ADD ("shown", test_shown);
  ADD ("strangers", test_strangers);
  ADD ("beside", test_beside);
  return g_test_run ();
}
