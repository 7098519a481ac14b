// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Putting changes into a batch: each noun's columns, in the order of its statement's parameters.
 */
#include "state/batch.h"

static void
value_clear (gpointer data)
{
  HerdValue *value = data;

  g_free (value->text);
  g_clear_pointer (&value->bytes, g_bytes_unref);
}

HerdBatch *
herd_batch_new (void)
{
  HerdBatch *batch = g_new0 (HerdBatch, 1);

  batch->changes = g_array_new (FALSE, TRUE, sizeof (HerdChange));
  batch->values = g_array_new (FALSE, TRUE, sizeof (HerdValue));
  g_array_set_clear_func (batch->values, value_clear);
  return batch;
}

void
herd_batch_free (HerdBatch *batch)
{
  if (batch == NULL)
    return;
  g_array_unref (batch->changes);
  g_array_unref (batch->values);
  g_free (batch);
}

/* --- which rows it is about --- */

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  guint64 first = *(const guint64 *) a, second = *(const guint64 *) b;

  return (first > second) - (first < second);
}

GArray *
herd_batch_list_rows (const HerdBatch *batch)
{
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (guint64));
  GArray *unique = g_array_new (FALSE, FALSE, sizeof (guint64));

  for (guint i = 0; i < batch->changes->len; i++) {
    const HerdChange *change = &g_array_index (batch->changes, HerdChange, i);
    guint64 id = (guint64) g_array_index (batch->values, HerdValue, change->first).integer;

    if (herd_statement_is_row (change->statement))
      g_array_append_val (ids, id);
  }
  g_array_sort (ids, compare_ids);
  for (guint i = 0; i < ids->len; i++) {
    guint64 id = g_array_index (ids, guint64, i);

    if (unique->len == 0 || g_array_index (unique, guint64, unique->len - 1) != id)
      g_array_append_val (unique, id);
  }
  return unique;
}

/* --- values, added to the change that was begun last --- */

static void
begin (HerdBatch *batch, HerdStatement statement)
{
  HerdChange change = { statement, batch->values->len };

  g_array_append_val (batch->changes, change);
}

static void
add_integer (HerdBatch *batch, gint64 integer)
{
  HerdValue value = { .kind = HERD_VALUE_INTEGER, .integer = integer };

  g_array_append_val (batch->values, value);
}

static void
add_id (HerdBatch *batch, guint64 id)
{
  add_integer (batch, (gint64) id);
}

static void
add_real (HerdBatch *batch, double real)
{
  HerdValue value = { .kind = HERD_VALUE_REAL, .real = real };

  g_array_append_val (batch->values, value);
}

static void
add_text (HerdBatch *batch, const char *text)
{
  HerdValue value = { .kind = HERD_VALUE_TEXT, .text = g_strdup (text != NULL ? text : "") };

  g_array_append_val (batch->values, value);
}

static void
add_bytes (HerdBatch *batch, GBytes *bytes)
{
  HerdValue value = { .kind = HERD_VALUE_BYTES, .bytes = g_bytes_ref (bytes) };

  g_array_append_val (batch->values, value);
}

static void
add_sealed (HerdBatch *batch, GBytes *bytes, const char *kind, guint64 id, guint64 generation,
            const char *field)
{
  HerdValue value = { .kind = HERD_VALUE_SEALED,
                      .bytes = g_bytes_ref (bytes),
                      .text = herd_seal_describe (kind, id, generation, field) };

  g_array_append_val (batch->values, value);
}

/* In normal form and little endian, so that the file is good on any machine. Takes VARIANT if it
 * is floating. */
static void
add_variant (HerdBatch *batch, GVariant *variant)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (variant);
  g_autoptr (GVariant) normal = g_variant_get_normal_form (owned);
  g_autoptr (GVariant) swapped = NULL;
  g_autoptr (GBytes) bytes = NULL;

  if (G_BYTE_ORDER == G_BIG_ENDIAN)
    swapped = g_variant_byteswap (normal);
  bytes = g_variant_get_data_as_bytes (swapped != NULL ? swapped : normal);
  add_bytes (batch, bytes);
}

char *
herd_seal_describe (const char *kind, guint64 id, guint64 generation, const char *field)
{
  return g_strdup_printf ("certherd/1/%s/%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT "/%s", kind, id,
                          generation, field);
}

/* --- issuers --- */

void
herd_batch_put_authority (HerdBatch *batch, const HerdAuthority *authority)
{
  begin (batch, HERD_STATEMENT_PUT_AUTHORITY);
  add_id (batch, authority->id);
  add_text (batch, authority->name);
  add_text (batch, authority->kind);
  add_integer (batch, authority->from_file);
  add_integer (batch, authority->retired);
  add_variant (batch, authority->settings);
  add_integer (batch, authority->created);
}

void
herd_batch_delete_authority (HerdBatch *batch, guint64 id)
{
  begin (batch, HERD_STATEMENT_DELETE_AUTHORITY);
  add_id (batch, id);
}

void
herd_batch_put_record (HerdBatch *batch, guint64 authority, const char *name, GBytes *bytes,
                       gboolean sealed)
{
  begin (batch, bytes != NULL ? HERD_STATEMENT_PUT_RECORD : HERD_STATEMENT_DELETE_RECORD);
  add_id (batch, authority);
  add_text (batch, name);
  if (bytes == NULL)
    return;
  add_integer (batch, sealed);
  if (sealed)
    add_sealed (batch, bytes, "record", authority, 0, name);
  else
    add_bytes (batch, bytes);
}

/* --- certificates --- */

static void
put_delivery (HerdBatch *batch, guint64 certificate, const HerdDelivery *delivery)
{
  begin (batch, HERD_STATEMENT_PUT_DELIVERY);
  add_id (batch, certificate);
  add_text (batch, delivery->target);
  add_integer (batch, delivery->state);
  add_id (batch, delivery->wanted);
  add_id (batch, delivery->applied);
  add_id (batch, delivery->proved);
  add_integer (batch, delivery->since);
  add_integer (batch, delivery->attempts);
  add_integer (batch, delivery->retry_at);
  add_text (batch, delivery->message);
}

static void
put_backoff (HerdBatch *batch, guint64 certificate, const HerdBackoff *backoff)
{
  begin (batch, HERD_STATEMENT_PUT_BACKOFF);
  add_id (batch, certificate);
  add_id (batch, backoff->issuer);
  add_integer (batch, backoff->failures);
  add_integer (batch, backoff->retry_at);
  add_integer (batch, backoff->rehearse);
  add_text (batch, backoff->error);
  add_text (batch, backoff->message);
}

void
herd_batch_put_suggestion (HerdBatch *batch, const HerdCertificate *certificate)
{
  const HerdSuggestion *suggestion = certificate->suggestion;

  begin (batch, HERD_STATEMENT_PUT_SUGGESTION);
  add_id (batch, certificate->id);
  add_id (batch, suggestion->generation);
  add_integer (batch, suggestion->start);
  add_integer (batch, suggestion->end);
  add_integer (batch, suggestion->pick);
  add_integer (batch, suggestion->floor);
  add_integer (batch, suggestion->asked_at);
  add_integer (batch, suggestion->ask_at);
  add_text (batch, suggestion->account);
  add_text (batch, suggestion->explanation_url);
  add_text (batch, suggestion->problem);
}

void
herd_batch_put_certificate (HerdBatch *batch, const HerdCertificate *certificate)
{
  begin (batch, HERD_STATEMENT_PUT_CERTIFICATE);
  add_id (batch, certificate->id);
  add_text (batch, certificate->name);
  add_integer (batch, certificate->owner);
  add_integer (batch, certificate->origin);
  add_integer (batch, certificate->retired);
  add_variant (batch, certificate->spec);
  add_integer (batch, certificate->created);
  add_id (batch, certificate->current);
  add_integer (batch, certificate->renew_at);
  add_integer (batch, certificate->action);
  add_integer (batch, certificate->action_time);
  add_text (batch, certificate->action_reason);
  add_integer (batch, certificate->failures);
  add_integer (batch, certificate->retry_at);
  add_text (batch, certificate->last_error);
  add_text (batch, certificate->last_error_message);
  add_integer (batch, certificate->last_error_time);

  if (certificate->suggestion != NULL) {
    herd_batch_put_suggestion (batch, certificate);
  } else {
    begin (batch, HERD_STATEMENT_DELETE_SUGGESTION);
    add_id (batch, certificate->id);
  }

  begin (batch, HERD_STATEMENT_DELETE_DELIVERIES);
  add_id (batch, certificate->id);
  for (const HerdDelivery *delivery = certificate->deliveries; delivery != NULL;
       delivery = delivery->next)
    put_delivery (batch, certificate->id, delivery);

  begin (batch, HERD_STATEMENT_DELETE_BACKOFFS);
  add_id (batch, certificate->id);
  for (guint i = 0; certificate->backoffs != NULL && i < certificate->backoffs->len; i++)
    put_backoff (batch, certificate->id, g_ptr_array_index (certificate->backoffs, i));
}

void
herd_batch_delete_certificate (HerdBatch *batch, guint64 id)
{
  begin (batch, HERD_STATEMENT_DELETE_CERTIFICATE_OPERATIONS);
  add_id (batch, id);
  begin (batch, HERD_STATEMENT_DELETE_CERTIFICATE);
  add_id (batch, id);
  batch->deletes_numbers = TRUE;
}

static void
put_material (HerdBatch *batch, guint64 certificate, guint64 number, GBytes *chain, GBytes *key)
{
  begin (batch, HERD_STATEMENT_PUT_MATERIAL);
  add_id (batch, certificate);
  add_id (batch, number);
  add_bytes (batch, chain);
  add_sealed (batch, key, "certificate", certificate, number, "key");
}

void
herd_batch_put_generation (HerdBatch *batch, guint64 certificate, const HerdGeneration *generation,
                           GBytes *chain, GBytes *key)
{
  g_autofree char *serial = herd_generation_get_serial (generation);
  g_autofree char *fingerprint = herd_generation_get_fingerprint (generation);

  g_return_if_fail ((chain == NULL) == (key == NULL));
  begin (batch, HERD_STATEMENT_PUT_GENERATION);
  add_id (batch, certificate);
  add_id (batch, generation->number);
  add_id (batch, generation->issuer);
  add_integer (batch, generation->created);
  add_integer (batch, generation->rejected);
  add_integer (batch, generation->not_before);
  add_integer (batch, generation->not_after);
  add_text (batch, serial);
  add_text (batch, fingerprint);
  add_text (batch, generation->issued_by);
  add_text (batch, herd_generation_get_identifiers (generation));
  add_integer (batch, generation->revoked);
  if (chain != NULL)
    put_material (batch, certificate, generation->number, chain, key);

  begin (batch, HERD_STATEMENT_PUT_NUMBER);
  add_id (batch, certificate);
  add_id (batch, generation->number);
}

void
herd_batch_delete_generation (HerdBatch *batch, guint64 certificate, guint64 number)
{
  begin (batch, HERD_STATEMENT_DELETE_GENERATION);
  add_id (batch, certificate);
  add_id (batch, number);
}

void
herd_batch_put_withdrawal (HerdBatch *batch, const HerdWithdrawal *withdrawal)
{
  begin (batch, HERD_STATEMENT_PUT_WITHDRAWAL);
  add_id (batch, withdrawal->certificate);
  add_text (batch, withdrawal->name);
  add_text (batch, withdrawal->target);
}

void
herd_batch_delete_withdrawal (HerdBatch *batch, guint64 certificate, const char *target)
{
  begin (batch, HERD_STATEMENT_DELETE_WITHDRAWAL);
  add_id (batch, certificate);
  add_text (batch, target);
}

/* --- the ledger --- */

void
herd_batch_put_ledger (HerdBatch *batch, const HerdLedgerRow *row)
{
  begin (batch, HERD_STATEMENT_PUT_LEDGER);
  add_id (batch, row->authority);
  add_text (batch, row->directory);
  add_text (batch, row->limit);
  add_text (batch, row->subject);
  add_integer (batch, row->full_at);
}

void
herd_batch_prune_ledger (HerdBatch *batch, gint64 now)
{
  begin (batch, HERD_STATEMENT_PRUNE_LEDGER);
  add_integer (batch, now);
}

/* --- operations --- */

void
herd_batch_put_operation (HerdBatch *batch, const HerdOperation *operation)
{
  begin (batch, HERD_STATEMENT_PUT_OPERATION);
  add_id (batch, operation->id);
  add_text (batch, operation->kind);
  add_id (batch, operation->certificate);
  add_id (batch, operation->issuer);
  add_integer (batch, operation->starter);
  add_integer (batch, operation->state);
  add_text (batch, operation->step);
  add_real (batch, operation->progress);
  add_variant (batch, herd_operation_steps_to_variant (operation));
  add_text (batch, operation->error);
  add_text (batch, operation->error_message);
  add_id (batch, operation->generation);
  add_variant (batch, operation->options);
  add_integer (batch, operation->started);
  add_integer (batch, operation->ended);
  add_variant (batch, operation->findings != NULL
                          ? operation->findings
                          : g_variant_new_array (G_VARIANT_TYPE_VARDICT, NULL, 0));
}

void
herd_batch_put_checkpoint (HerdBatch *batch, guint64 operation, GBytes *bytes)
{
  begin (batch, bytes != NULL ? HERD_STATEMENT_PUT_CHECKPOINT : HERD_STATEMENT_CLEAR_CHECKPOINT);
  add_id (batch, operation);
  if (bytes != NULL)
    add_bytes (batch, bytes);
}

void
herd_batch_put_pending_key (HerdBatch *batch, guint64 operation, GBytes *key)
{
  begin (batch, key != NULL ? HERD_STATEMENT_PUT_PENDING_KEY : HERD_STATEMENT_CLEAR_PENDING_KEY);
  add_id (batch, operation);
  if (key != NULL)
    add_sealed (batch, key, "operation", operation, 0, "pending-key");
}

void
herd_batch_keep_attempt (HerdBatch *batch, guint64 operation, guint64 issuer, const char *wish)
{
  begin (batch, HERD_STATEMENT_KEEP_ATTEMPT);
  add_id (batch, operation);
  add_id (batch, issuer);
  add_text (batch, wish);
}

void
herd_batch_delete_attempt (HerdBatch *batch, guint64 certificate, guint64 issuer)
{
  begin (batch, HERD_STATEMENT_DELETE_ATTEMPT);
  add_id (batch, certificate);
  add_id (batch, issuer);
}

void
herd_batch_delete_attempts (HerdBatch *batch, guint64 certificate)
{
  begin (batch, HERD_STATEMENT_DELETE_ATTEMPTS);
  add_id (batch, certificate);
}

void
herd_batch_delete_operation (HerdBatch *batch, guint64 id)
{
  begin (batch, HERD_STATEMENT_DELETE_OPERATION);
  add_id (batch, id);
}
