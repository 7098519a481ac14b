// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Chains, made for each test with GnuTLS: a root, an intermediate and a leaf, each of which a test
 * may bend before it is signed.
 */
#pragma once

#include <string.h>

#include "crypto/chain.h"
#include "crypto/glue.h"
#include "crypto/key.h"

#define NOW G_GINT64_CONSTANT (1767225600) /* 2026-01-01 */
#define DAY (24 * 60 * 60)

typedef struct {
  gnutls_x509_crt_t certificate;
  gnutls_x509_privkey_t key;
} Made;

typedef struct {
  Made root, intermediate, leaf;
  GBytes *public_key; /* of the leaf */
} ChainFixture;

/* What the leaf is to be like; zeros: as it should be. */
typedef struct {
  const char *const *names; /* DNS names and addresses */
  gint64 not_before, not_after;
  const char *email; /* one more name */
  const char *issuer_name;
  const char *raw_name; /* a DNS name as no library would write it, and its size */
  gsize raw_size;
  gboolean without_key_id;
  const char *serial; /* the octets of the INTEGER, and how many */
  gsize serial_size;
  const char *raw_key_id; /* the DER of an AuthorityKeyIdentifier, and its size */
  gsize raw_key_id_size;
} Bend;

extern const char *const chain_default_names[];

/* DATA is a Bend, or NULL. */
void chain_set_up (ChainFixture *fixture, gconstpointer data);
void chain_tear_down (ChainFixture *fixture, gconstpointer data);

/* The PEM of up to three certificates, up to the first NULL; and as a chain. */
GBytes *chain_join (const Made *first, const Made *second, const Made *third);
HerdChain *chain_parse (const Made *first, const Made *second, const Made *third);

/* The parts, for tests that bend more than a Bend does. */
void chain_make_authority (Made *made, const Made *issuer, const char *name);
void chain_make_leaf (ChainFixture *fixture, const Bend *bend);
void chain_clear (Made *made);
void chain_append_pem (GString *pem, const Made *made);
