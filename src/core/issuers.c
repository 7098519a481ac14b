// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The issuers at work, and the host that each of their runs is given.
 */
#include "core/issuers.h"

#include "core/budget.h"
#include "core/directories.h"
#include "core/operations.h"
#include "crypto/key.h"
#include "model/spec.h"
#include "plugin/error.h"

struct HerdIssuers {
  HerdServices *services;
  HerdSolvers *solvers;
  HerdIssuerFactory factory;
  gpointer data;
  HerdIssuersFunc follow; /* may be NULL */
  gpointer follow_data;
  GHashTable *slots; /* &slot->authority → Slot */
};

/* One authority's engine, and its keys as far as they were read: sign() must not wait. */
typedef struct {
  guint64 authority;
  HerdIssuer *engine;
  GHashTable *keys; /* record → HerdKey */
  HerdGate *gate;
} Slot;

static void
slot_free (Slot *slot)
{
  g_clear_object (&slot->engine);
  g_hash_table_unref (slot->keys);
  herd_gate_free (slot->gate);
  g_free (slot);
}

static GHashTable *
new_keys (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) herd_key_unref);
}

static Slot *
ensure_slot (HerdIssuers *issuers, guint64 authority)
{
  Slot *slot = g_hash_table_lookup (issuers->slots, &authority);

  if (slot == NULL) {
    slot = g_new0 (Slot, 1);
    slot->authority = authority;
    slot->keys = new_keys ();
    slot->gate = herd_gate_new (1);
    g_hash_table_insert (issuers->slots, &slot->authority, slot);
  }
  return slot;
}

HerdIssuers *
herd_issuers_new (HerdServices *services, HerdSolvers *solvers, HerdIssuerFactory factory,
                  gpointer data)
{
  HerdIssuers *issuers = g_new0 (HerdIssuers, 1);

  issuers->services = services;
  issuers->solvers = solvers;
  issuers->factory = factory;
  issuers->data = data;
  issuers->slots = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL,
                                          (GDestroyNotify) slot_free);
  return issuers;
}

void
herd_issuers_free (HerdIssuers *issuers)
{
  if (issuers == NULL)
    return;
  g_hash_table_unref (issuers->slots);
  g_free (issuers);
}

HerdServices *
herd_issuers_get_services (HerdIssuers *issuers)
{
  return issuers->services;
}

HerdIssuer *
herd_issuers_get (HerdIssuers *issuers, guint64 id, GError **error)
{
  HerdAuthority *authority = herd_registry_get_authority (issuers->services->registry, id);
  Slot *slot;

  if (authority == NULL) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_NOT_FOUND, "the issuer was removed");
    return NULL;
  }
  slot = ensure_slot (issuers, id);
  if (slot->engine == NULL)
    slot->engine = herd_issuers_try (issuers, authority, error);
  return slot->engine;
}

HerdIssuer *
herd_issuers_try (HerdIssuers *issuers, const HerdAuthority *authority, GError **error)
{
  HerdPresetMatch match;

  if (herd_presets_match (issuers->services->presets, authority->settings, &match, error))
    return issuers->factory (authority, &match, issuers->data, error);
  g_prefix_error (error, "issuer %s: ", authority->name);
  return NULL;
}

void
herd_issuers_forget (HerdIssuers *issuers, guint64 authority)
{
  Slot *slot = g_hash_table_lookup (issuers->slots, &authority);

  if (slot == NULL)
    return;
  g_clear_object (&slot->engine);
  /* Runs under way keep theirs. */
  g_hash_table_unref (slot->keys);
  slot->keys = new_keys ();
}

gboolean
herd_issuers_is_current (HerdIssuers *issuers, guint64 authority, HerdIssuer *engine)
{
  const Slot *slot = g_hash_table_lookup (issuers->slots, &authority);

  return slot != NULL && slot->engine == engine;
}

void
herd_issuers_set_follower (HerdIssuers *issuers, HerdIssuersFunc follow, gpointer data)
{
  issuers->follow = follow;
  issuers->follow_data = data;
}

void
herd_issuers_set_account (HerdIssuers *issuers, HerdAuthority *authority, HerdAccount *account)
{
  herd_account_free (authority->account);
  authority->account = account;
  authority->revision++;
  herd_registry_touch (issuers->services->registry, HERD_NOUN_ISSUER, authority->id);
  if (issuers->follow != NULL)
    issuers->follow (authority->id, issuers->follow_data);
}

HerdGate *
herd_issuers_get_gate (HerdIssuers *issuers, guint64 authority)
{
  return ensure_slot (issuers, authority)->gate;
}

/* --- the host --- */

#define HERD_TYPE_CORE_ISSUER_HOST (herd_core_issuer_host_get_type ())
G_DECLARE_FINAL_TYPE (HerdCoreIssuerHost, herd_core_issuer_host, HERD, CORE_ISSUER_HOST, GObject)

struct _HerdCoreIssuerHost {
  GObject parent;
  HerdIssuers *issuers;
  HerdIssuer *engine; /* kept alive while it runs, also where the slot is forgotten */
  GHashTable *keys;   /* likewise: the slot's */
  guint64 authority;
  guint64 operation;
  HerdKey *certificate_key; /* of what is to be revoked; NULL: it signs nothing */
  const char *step;         /* NULL: the engine says */
  char *directory;          /* whose records they are; "": the issuer has no directory */
  HerdLedgerEntry *entry;   /* NULL: it spends nothing */
  char **solvers;
};

static void host_iface_init (HerdIssuerHostInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (HerdCoreIssuerHost, herd_core_issuer_host, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HERD_TYPE_ISSUER_HOST, host_iface_init))

/* What is saved is of one issuer and one directory of it. */
#define CHECKPOINT_TYPE G_VARIANT_TYPE ("(tsay)")

static GBytes *
close_checkpoint (HerdCoreIssuerHost *self, GBytes *bytes)
{
  g_autoptr (GVariant) variant = g_variant_ref_sink (
      g_variant_new ("(ts@ay)", self->authority, self->directory,
                     g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, bytes, TRUE)));

  return g_variant_get_data_as_bytes (variant);
}

GBytes *
herd_issuers_open_checkpoint (HerdIssuers *issuers, guint64 authority, GBytes *saved)
{
  const HerdAuthority *row = herd_registry_get_authority (issuers->services->registry, authority);
  g_autoptr (GVariant) variant = NULL;
  g_autoptr (GVariant) bytes = NULL;
  const char *directory;
  guint64 whose;

  if (row == NULL || saved == NULL)
    return NULL;
  variant = g_variant_ref_sink (g_variant_new_from_bytes (CHECKPOINT_TYPE, saved, FALSE));
  g_variant_get (variant, "(t&s@ay)", &whose, &directory, &bytes);
  if (whose != authority
      || !g_str_equal (directory, herd_directories_get_url (issuers->services, row)))
    return NULL;
  return g_variant_get_data_as_bytes (bytes);
}

GBytes *
herd_issuers_unwrap_checkpoint (GBytes *saved, guint64 *authority)
{
  g_autoptr (GVariant)
      variant = g_variant_ref_sink (g_variant_new_from_bytes (CHECKPOINT_TYPE, saved, FALSE));
  g_autoptr (GVariant) bytes = NULL;

  g_variant_get (variant, "(t&s@ay)", authority, NULL, &bytes);
  return g_variant_get_data_as_bytes (bytes);
}

static void
host_checkpoint_async (HerdIssuerHost *host, GBytes *bytes, GAsyncReadyCallback callback,
                       gpointer data)
{
  HerdCoreIssuerHost *self = HERD_CORE_ISSUER_HOST (host);
  HerdServices *services = self->issuers->services;
  HerdOperation *operation = herd_registry_get_operation (services->registry, self->operation);
  HerdBatch *batch = herd_batch_new ();
  g_autoptr (GBytes) closed = bytes != NULL ? close_checkpoint (self, bytes) : NULL;

  if (operation != NULL) {
    herd_batch_put_operation (batch, operation);
    herd_batch_put_checkpoint (batch, operation->id, closed);
  }
  herd_ledger_put (services->ledger, batch);
  herd_state_commit_async (services->state, batch, callback, data);
}

static gboolean
host_commit_finish (HerdIssuerHost *host, GAsyncResult *result, GError **error)
{
  HerdServices *services = HERD_CORE_ISSUER_HOST (host)->issuers->services;

  if (herd_state_commit_finish (services->state, result, error))
    return TRUE;
  herd_ledger_put_again (services->ledger);
  return FALSE;
}

/* sign() must not wait, so the key in a record is kept when it passes. Other records are no keys. */
static void
keep_key (HerdCoreIssuerHost *self, const char *name, GBytes *bytes)
{
  HerdKey *key = bytes != NULL ? herd_key_new_from_pkcs8 (bytes, NULL) : NULL;

  if (key != NULL)
    g_hash_table_replace (self->keys, g_strdup (name), key);
}

/* An account belongs to a directory: one that is configured later has records of its own, and the earlier
 * ones, keys sealed as they are, are found again where it is configured again. */
static char *
name_record (HerdCoreIssuerHost *self, const char *name)
{
  return *self->directory != '\0' ? g_strdup_printf ("%s@%s", name, self->directory)
                                  : g_strdup (name);
}

static void
record_read (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  HerdCoreIssuerHost *self = HERD_CORE_ISSUER_HOST (g_task_get_source_object (task));
  GError *error = NULL;
  GBytes *bytes = herd_state_read_record_finish (self->issuers->services->state, result, &error);

  if (bytes == NULL) {
    g_task_return_error (task, error);
    return;
  }
  keep_key (self, g_task_get_task_data (task), bytes);
  g_task_return_pointer (task, bytes, (GDestroyNotify) g_bytes_unref);
}

static void
host_record_get_async (HerdIssuerHost *host, const char *name, GAsyncReadyCallback callback,
                       gpointer data)
{
  HerdCoreIssuerHost *self = HERD_CORE_ISSUER_HOST (host);
  GTask *task = g_task_new (self, NULL, callback, data);
  g_autofree char *record = name_record (self, name);

  g_task_set_task_data (task, g_strdup (name), g_free);
  herd_state_read_record_async (self->issuers->services->state, self->authority, record,
                                record_read, task);
}

static GBytes *
host_record_get_finish (HerdIssuerHost *host G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
host_record_put_async (HerdIssuerHost *host, const char *name, GBytes *bytes, gboolean sealed,
                       GAsyncReadyCallback callback, gpointer data)
{
  HerdCoreIssuerHost *self = HERD_CORE_ISSUER_HOST (host);
  HerdBatch *batch = herd_batch_new ();
  g_autofree char *record = name_record (self, name);

  g_hash_table_remove (self->keys, name);
  if (sealed)
    keep_key (self, name, bytes);
  herd_batch_put_record (batch, self->authority, record, bytes, sealed);
  herd_ledger_put (self->issuers->services->ledger, batch);
  herd_state_commit_async (self->issuers->services->state, batch, callback, data);
}

static GBytes *
host_sign (HerdIssuerHost *host, const char *name, GBytes *digest, GError **error)
{
  HerdCoreIssuerHost *self = HERD_CORE_ISSUER_HOST (host);
  HerdKey *key = g_str_equal (name, HERD_RECORD_CERTIFICATE_KEY)
                     ? self->certificate_key
                     : g_hash_table_lookup (self->keys, name);

  if (key == NULL) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_FAILED, "record %s was not read before signing",
                 name);
    return NULL;
  }
  return herd_key_sign_digest (key, digest, error);
}

static GPtrArray *
host_get_solvers (HerdIssuerHost *host, const char *identifier)
{
  HerdCoreIssuerHost *self = HERD_CORE_ISSUER_HOST (host);

  return herd_solvers_find (self->issuers->solvers, identifier,
                            (const char *const *) self->solvers);
}

static const char *
host_get_solver_name (HerdIssuerHost *host G_GNUC_UNUSED, HerdSolver *solver)
{
  return herd_solvers_get_name (solver);
}

static void
host_progress (HerdIssuerHost *host, const char *step, double fraction)
{
  HerdCoreIssuerHost *self = HERD_CORE_ISSUER_HOST (host);

  herd_operations_enter (
      self->issuers->services, self->operation, self->step != NULL ? self->step : step,
      HERD_PROGRESS_ISSUE_BEGIN + fraction * (HERD_PROGRESS_ISSUE_END - HERD_PROGRESS_ISSUE_BEGIN));
}

static void
host_spend (HerdIssuerHost *host, HerdSpending what, const char *identifier)
{
  HerdCoreIssuerHost *self = HERD_CORE_ISSUER_HOST (host);

  if (self->entry == NULL)
    return;
  switch (what) {
  case HERD_SPENDING_ACCOUNT:
    herd_ledger_entry_register (self->entry);
    break;
  case HERD_SPENDING_ORDER:
  case HERD_SPENDING_REPLACEMENT:
    herd_ledger_entry_order (self->entry, what == HERD_SPENDING_REPLACEMENT);
    break;
  case HERD_SPENDING_FAILURE:
    herd_ledger_entry_fail (self->entry, identifier);
    break;
  }
  herd_budget_changed (self->issuers->services, self->authority);
}

void
herd_issuers_set_entry (HerdIssuerHost *host, HerdLedgerEntry *entry)
{
  HerdCoreIssuerHost *self = HERD_CORE_ISSUER_HOST (host);

  herd_ledger_entry_free (self->entry);
  self->entry = entry;
}

void
herd_issuers_settle (HerdIssuerHost *host, const GError *error)
{
  HerdCoreIssuerHost *self = HERD_CORE_ISSUER_HOST (host);

  if (error != NULL)
    herd_budget_note_error (self->issuers->services, self->authority, error);
  else if (self->entry != NULL)
    herd_ledger_entry_issue (self->entry);
  herd_issuers_set_entry (host, NULL);
  herd_budget_changed (self->issuers->services, self->authority);
}

static void
host_iface_init (HerdIssuerHostInterface *iface)
{
  iface->checkpoint_async = host_checkpoint_async;
  iface->checkpoint_finish = host_commit_finish;
  iface->record_get_async = host_record_get_async;
  iface->record_get_finish = host_record_get_finish;
  iface->record_put_async = host_record_put_async;
  iface->record_put_finish = host_commit_finish;
  iface->sign = host_sign;
  iface->get_solvers = host_get_solvers;
  iface->get_solver_name = host_get_solver_name;
  iface->progress = host_progress;
  iface->spend = host_spend;
}

static void
herd_core_issuer_host_finalize (GObject *object)
{
  HerdCoreIssuerHost *self = HERD_CORE_ISSUER_HOST (object);

  g_clear_object (&self->engine);
  g_clear_pointer (&self->keys, g_hash_table_unref);
  g_clear_pointer (&self->certificate_key, herd_key_unref);
  g_free (self->directory);
  herd_ledger_entry_free (self->entry);
  g_strfreev (self->solvers);
  G_OBJECT_CLASS (herd_core_issuer_host_parent_class)->finalize (object);
}

static void
herd_core_issuer_host_class_init (HerdCoreIssuerHostClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = herd_core_issuer_host_finalize;
}

static void
herd_core_issuer_host_init (HerdCoreIssuerHost *self G_GNUC_UNUSED)
{}

HerdIssuerHost *
herd_issuers_new_host (HerdIssuers *issuers, guint64 authority, guint64 operation,
                       const char *const *solvers)
{
  HerdCoreIssuerHost *self = g_object_new (HERD_TYPE_CORE_ISSUER_HOST, NULL);
  Slot *slot = ensure_slot (issuers, authority);
  const HerdAuthority *row = herd_registry_get_authority (issuers->services->registry, authority);

  self->directory = g_strdup (row != NULL ? herd_directories_get_url (issuers->services, row) : "");
  self->issuers = issuers;
  self->engine = slot->engine != NULL ? g_object_ref (slot->engine) : NULL;
  self->keys = g_hash_table_ref (slot->keys);
  self->authority = authority;
  self->operation = operation;
  self->solvers = g_strdupv ((char **) solvers);
  return HERD_ISSUER_HOST (self);
}

void
herd_issuers_set_certificate_key (HerdIssuerHost *host, HerdKey *key)
{
  HerdCoreIssuerHost *self = HERD_CORE_ISSUER_HOST (host);

  g_clear_pointer (&self->certificate_key, herd_key_unref);
  self->certificate_key = herd_key_ref (key);
}

void
herd_issuers_set_step (HerdIssuerHost *host, const char *step)
{
  HERD_CORE_ISSUER_HOST (host)->step = step;
}
