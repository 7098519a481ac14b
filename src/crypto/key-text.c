// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Private keys as text. A JWK is read in place by a scanner of its own: a JSON library would copy the
 * secret into strings that nobody wipes. Pure functions, any thread.
 */
#include "crypto/key-text.h"

#include <string.h>

#include "crypto/glue.h"
#include "util/base64url.h"
#include "util/secret.h"

/* An RSA key of 16384 bits has members of 2731 characters. */
#define MEMBER_MAX 4096

typedef struct {
  const char *at, *end;
} Scanner;

static gboolean
refuse (GError **error, const char *cause)
{
  g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT, "The key cannot be read: %s", cause);
  return FALSE;
}

/* --- scanning JSON, as far as a JWK needs it --- */

static void
skip_space (Scanner *scanner)
{
  while (scanner->at < scanner->end && strchr (" \t\r\n", *scanner->at) != NULL
         && *scanner->at != '\0')
    scanner->at++;
}

static gboolean
accept (Scanner *scanner, char character)
{
  skip_space (scanner);
  if (scanner->at >= scanner->end || *scanner->at != character)
    return FALSE;
  scanner->at++;
  return TRUE;
}

/* A string; *START and *SIZE are what stands between its quotes, escapes and all. */
static gboolean
scan_string (Scanner *scanner, const char **start, gsize *size)
{
  if (!accept (scanner, '"'))
    return FALSE;
  *start = scanner->at;
  for (; scanner->at < scanner->end && *scanner->at != '"'; scanner->at++) {
    if (*scanner->at == '\\')
      scanner->at++;
  }
  if (scanner->at >= scanner->end)
    return FALSE;
  *size = (gsize) (scanner->at++ - *start);
  return TRUE;
}

/* Any value, without looking into it. */
static gboolean
skip_value (Scanner *scanner)
{
  const char *start;
  gsize size;
  guint depth = 0;

  for (;;) {
    skip_space (scanner);
    if (scanner->at >= scanner->end)
      return FALSE;
    if (*scanner->at == '"') {
      if (!scan_string (scanner, &start, &size))
        return FALSE;
    } else if (strchr ("{[", *scanner->at) != NULL) {
      depth++;
      scanner->at++;
    } else if (depth > 0 && strchr ("}]", *scanner->at) != NULL) {
      depth--;
      scanner->at++;
    } else if (depth > 0 && strchr (",:", *scanner->at) != NULL) {
      scanner->at++;
    } else {
      for (start = scanner->at;
           scanner->at < scanner->end && strchr (",:{}[]\" \t\r\n", *scanner->at) == NULL;)
        scanner->at++;
      if (scanner->at == start)
        return FALSE;
    }
    if (depth == 0)
      return TRUE;
  }
}

/* --- JWK --- */

typedef enum { KTY, CRV, N, E, D, P, Q, X, Y, N_MEMBERS } Member;

typedef struct {
  const char *start[N_MEMBERS]; /* into the text; NULL: absent */
  gsize size[N_MEMBERS];
} Jwk;

static gboolean
take_member (Jwk *jwk, Scanner *scanner, const char *name, gsize name_size, GError **error)
{
  static const char *const names[N_MEMBERS] = { "kty", "crv", "n", "e", "d", "p", "q", "x", "y" };
  guint member = 0;

  while (member < N_MEMBERS
         && (strlen (names[member]) != name_size || memcmp (names[member], name, name_size) != 0))
    member++;
  if (member == N_MEMBERS)
    return skip_value (scanner) || refuse (error, "it is not JSON");
  if (jwk->start[member] != NULL)
    return refuse (error, "a member of the JWK occurs twice");
  if (!scan_string (scanner, &jwk->start[member], &jwk->size[member])
      || jwk->size[member] > MEMBER_MAX)
    return refuse (error, "a member of the JWK is no string, or too long");
  return TRUE;
}

static gboolean
scan_jwk (GBytes *text, Jwk *jwk, GError **error)
{
  gsize size, name_size;
  const char *data = g_bytes_get_data (text, &size);
  const char *name;
  Scanner scanner = { data, data + size };

  if (!accept (&scanner, '{'))
    return refuse (error, "it is not JSON");
  do {
    if (!scan_string (&scanner, &name, &name_size) || !accept (&scanner, ':'))
      return refuse (error, "it is not JSON");
    if (!take_member (jwk, &scanner, name, name_size, error))
      return FALSE;
  } while (accept (&scanner, ','));
  if (!accept (&scanner, '}'))
    return refuse (error, "it is not JSON");
  skip_space (&scanner);
  /* Some programs write the terminating zero too. */
  while (scanner.at < scanner.end && *scanner.at == '\0')
    scanner.at++;
  return scanner.at == scanner.end || refuse (error, "something follows after the JWK");
}

/* The bytes of MEMBER, wiped when they go; NULL if it is absent or no base64url. */
static GBytes *
decode (const Jwk *jwk, Member member)
{
  g_autoptr (GBytes) copy = NULL;
  char *text;

  if (jwk->start[member] == NULL || jwk->size[member] == 0)
    return NULL;
  text = g_strndup (jwk->start[member], jwk->size[member]);
  copy = herd_secret_new_take (text, jwk->size[member]);
  return herd_base64url_decode_leniently (text);
}

static gboolean
is_text (const Jwk *jwk, Member member, const char *text)
{
  return jwk->start[member] != NULL && jwk->size[member] == strlen (text)
         && memcmp (jwk->start[member], text, strlen (text)) == 0;
}

/* The coefficients that a JWK may have beside are worked out anew: libwebsockets leaves them out or
 * writes them, depending on the TLS library that it was built with. */
static gboolean
import_rsa (gnutls_x509_privkey_t key, const Jwk *jwk, GError **error)
{
  static const Member members[] = { N, E, D, P, Q };
  g_autoptr (GPtrArray) parts = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  gnutls_datum_t datums[G_N_ELEMENTS (members)];

  for (guint i = 0; i < G_N_ELEMENTS (members); i++) {
    GBytes *part = decode (jwk, members[i]);

    if (part == NULL)
      return refuse (error, "the JWK of an RSA key needs n, e, d, p and q in base64url; is it the "
                            "private key?");
    g_ptr_array_add (parts, part);
    datums[i] = herd_datum_peek (part);
  }
  return herd_gnutls_check (gnutls_x509_privkey_import_rsa_raw2 (key, &datums[0], &datums[1],
                                                                 &datums[2], &datums[3], &datums[4],
                                                                 NULL, NULL, NULL),
                            HERD_ERROR_INVALID_ARGUMENT, "The key cannot be read", error);
}

static gboolean
import_ec (gnutls_x509_privkey_t key, const Jwk *jwk, GError **error)
{
  g_autoptr (GBytes) x = decode (jwk, X);
  g_autoptr (GBytes) y = decode (jwk, Y);
  g_autoptr (GBytes) d = decode (jwk, D);
  gnutls_ecc_curve_t curve = is_text (jwk, CRV, "P-256")   ? GNUTLS_ECC_CURVE_SECP256R1
                             : is_text (jwk, CRV, "P-384") ? GNUTLS_ECC_CURVE_SECP384R1
                                                           : GNUTLS_ECC_CURVE_INVALID;
  gnutls_datum_t datum_x, datum_y, datum_d;

  if (curve == GNUTLS_ECC_CURVE_INVALID)
    return refuse (error, "its curve is neither P-256 nor P-384");
  if (x == NULL || y == NULL || d == NULL)
    return refuse (error, "the JWK of an EC key needs x, y and d in base64url; is it the private "
                          "key?");
  datum_x = herd_datum_peek (x);
  datum_y = herd_datum_peek (y);
  datum_d = herd_datum_peek (d);
  return herd_gnutls_check (
      gnutls_x509_privkey_import_ecc_raw (key, curve, &datum_x, &datum_y, &datum_d),
      HERD_ERROR_INVALID_ARGUMENT, "The key cannot be read", error);
}

static gboolean
import_jwk (gnutls_x509_privkey_t key, GBytes *text, GError **error)
{
  Jwk jwk = { 0 };

  if (!scan_jwk (text, &jwk, error))
    return FALSE;
  if (is_text (&jwk, KTY, "RSA"))
    return import_rsa (key, &jwk, error);
  if (is_text (&jwk, KTY, "EC"))
    return import_ec (key, &jwk, error);
  return refuse (error, "it is no JWK of type RSA or EC");
}

/* --- either --- */

static gboolean
import_pem (gnutls_x509_privkey_t key, GBytes *text, GError **error)
{
  gnutls_datum_t datum = herd_datum_peek (text);
  int result = gnutls_x509_privkey_import2 (key, &datum, GNUTLS_X509_FMT_PEM, NULL,
                                            GNUTLS_PKCS_PLAIN);

  if (result == GNUTLS_E_DECRYPTION_FAILED)
    return refuse (error, "it is encrypted; decrypt it first, such as with openssl pkey");
  return herd_gnutls_check (result, HERD_ERROR_INVALID_ARGUMENT,
                            "The key cannot be read as a JWK or as PEM", error);
}

HerdKey *
herd_key_new_from_text (GBytes *text, GError **error)
{
  g_auto (gnutls_x509_privkey_t) key = NULL;
  g_auto (gnutls_datum_t) datum = { NULL, 0 };
  g_autoptr (GBytes) pkcs8 = NULL;
  gsize size;
  const char *data = g_bytes_get_data (text, &size);
  Scanner scanner = { data, size > 0 ? data + size : data };
  gboolean imported;

  gnutls_x509_privkey_init (&key);
  skip_space (&scanner);
  imported = scanner.at < scanner.end && *scanner.at == '{' ? import_jwk (key, text, error)
                                                            : import_pem (key, text, error);
  /* Parts that do not fit together would sign, and nobody could verify it. */
  if (!imported
      || !herd_gnutls_check (gnutls_x509_privkey_verify_params (key), HERD_ERROR_INVALID_ARGUMENT,
                             "The key's parts do not fit together", error)
      || !herd_gnutls_check (gnutls_x509_privkey_export2_pkcs8 (key, GNUTLS_X509_FMT_DER, NULL,
                                                                GNUTLS_PKCS_PLAIN, &datum),
                             HERD_ERROR_INVALID_ARGUMENT, "The key cannot be read", error))
    return NULL;
  pkcs8 = herd_datum_steal (&datum);
  return herd_key_new_from_pkcs8 (pkcs8, error);
}
