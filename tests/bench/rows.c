// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Certificates made up, and written as the agent writes them.
 */
#include "rows.h"

#define BATCH 500
#define DAY (24 * 3600)
#define LIFETIME (90 * DAY)
#define CHAIN_SIZE 3500 /* a P-256 leaf and one intermediate, PEM */
#define KEY_SIZE 138    /* P-256, PKCS#8 */

void
bench_committed (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  BenchWaiting *waiting = data;
  g_autoptr (GError) error = NULL;

  if (!herd_state_commit_finish (waiting->state, result, &error))
    g_error ("%s", error->message);
  waiting->n_done++;
}

void
bench_wait_for (BenchWaiting *waiting, guint n)
{
  while (waiting->n_done < n)
    g_main_context_iteration (NULL, TRUE);
  waiting->n_done = 0;
}

/* When the current generation of ID begins: the due ones have had two thirds of their lifetime. */
static gint64
get_start (const BenchRows *rows, guint64 id)
{
  if (id <= rows->n_due)
    return rows->now - 61 * DAY;
  return rows->now - (gint64) (id % rows->n) * (58 * DAY) / rows->n;
}

static HerdGeneration *
make_generation (const BenchRows *rows, guint64 id, guint64 number)
{
  HerdFacts *facts = herd_facts_new ();
  gint64 age = (gint64) (rows->n_generations - number) * 60 * DAY;

  g_free (facts->serial);
  g_free (facts->fingerprint);
  g_free (facts->issued_by);
  g_strfreev (facts->identifiers);
  facts->not_before = get_start (rows, id) - age;
  facts->not_after = facts->not_before + LIFETIME;
  facts->serial = g_strdup_printf ("03%034" G_GINT64_MODIFIER "x", id * 100 + number);
  facts->fingerprint = g_compute_checksum_for_string (G_CHECKSUM_SHA256, facts->serial, -1);
  facts->issued_by = g_strdup ("Example CA R11");
  facts->identifiers = g_new0 (char *, 3);
  facts->identifiers[0] = g_strdup_printf ("host%d.example.org", (int) id);
  facts->identifiers[1] = g_strdup_printf ("www.host%d.example.org", (int) id);
  return herd_generation_new (number, MAX (rows->issuer, 1), facts->not_before, facts);
}

/* The CA was asked, and is asked again tomorrow. */
static HerdSuggestion *
make_suggestion (const BenchRows *rows, guint64 generation, gint64 renew_at)
{
  HerdSuggestion *suggestion = herd_suggestion_new (generation);

  suggestion->start = renew_at - DAY;
  suggestion->end = renew_at + DAY;
  suggestion->pick = renew_at;
  suggestion->asked_at = rows->now;
  suggestion->ask_at = rows->now + DAY;
  herd_suggestion_set_account (suggestion, "https://127.0.0.1:1/account/1");
  return suggestion;
}

static HerdCertificate *
make_certificate (const BenchRows *rows, guint64 id)
{
  g_autofree char *name = g_strdup_printf ("host%d", (int) id);
  g_autofree char *a = g_strdup_printf ("host%d.example.org", (int) id);
  g_autofree char *b = g_strdup_printf ("www.host%d.example.org", (int) id);
  HerdCertificate *certificate = herd_certificate_new (
      id, name, 0, HERD_ORIGIN_BUS, g_variant_new_parsed ("{'identifiers': <[%s, %s]>}", a, b));
  HerdDelivery *delivery = herd_delivery_new ("live");

  certificate->current = rows->n_generations;
  certificate->renew_at = get_start (rows, id) + 60 * DAY;
  certificate->suggestion = make_suggestion (rows, certificate->current, certificate->renew_at);
  delivery->state = HERD_DELIVERY_APPLIED;
  delivery->wanted = delivery->applied = delivery->proved = certificate->current;
  herd_certificate_add_delivery (certificate, delivery);
  herd_certificate_set_action (certificate, HERD_ACTION_RENEW, certificate->renew_at,
                               "the CA suggests it");
  return certificate;
}

void
bench_put (const BenchRows *rows, HerdBatch *batch, guint64 id)
{
  g_autoptr (HerdCertificate) certificate = make_certificate (rows, id);
  g_autofree char *pem = g_strnfill (CHAIN_SIZE, 'p');
  g_autofree char *der = g_strnfill (KEY_SIZE, 'd');
  g_autoptr (GBytes) chain = g_bytes_new_take (g_steal_pointer (&pem), CHAIN_SIZE);
  g_autoptr (GBytes) key = g_bytes_new_take (g_steal_pointer (&der), KEY_SIZE);

  herd_batch_put_certificate (batch, certificate);
  for (guint64 number = 1; number <= rows->n_generations; number++) {
    g_autoptr (HerdGeneration) generation = make_generation (rows, id, number);

    herd_batch_put_generation (batch, id, generation, chain, key);
  }
}

void
bench_fill (const BenchRows *rows, HerdState *state)
{
  BenchWaiting waiting = { state, 0 };

  for (guint id = 1; id <= rows->n;) {
    HerdBatch *batch = herd_batch_new ();

    for (guint i = 0; i < BATCH && id <= rows->n; i++)
      bench_put (rows, batch, id++);
    herd_state_commit_async (state, batch, bench_committed, &waiting);
    bench_wait_for (&waiting, 1);
  }
}
