// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The registry: every row that the agent knows, by id and by name, and the one place from which
 * changes are told; with what would cost a look at all of them: counts, and orders. Rows are looked up by id whenever something was awaited in between: a removed
 * row is simply not found any more. Owned by the agent; main loop only.
 */
#pragma once

#include <glib.h>

#include "model/authority.h"
#include "model/certificate.h"
#include "model/operation.h"
#include "model/subscription.h"

G_BEGIN_DECLS

typedef enum {
  HERD_NOUN_AGENT,
  HERD_NOUN_CERTIFICATE,
  HERD_NOUN_ISSUER,
  HERD_NOUN_OPERATION,
  HERD_NOUN_SUBSCRIPTION,
} HerdNoun;
#define HERD_N_NOUNS 5

/* A row of any noun: what tables of several nouns are keyed by, or their entries begin with. */
typedef struct {
  HerdNoun noun;
  guint64 id;
} HerdRowKey;

/* GHashFunc and GEqualFunc of HerdRowKey. */
guint herd_row_key_hash (gconstpointer key);
gboolean herd_row_key_equal (gconstpointer a, gconstpointer b);

/* Who wants to know; the bus. All functions are called on the main loop, after the change. */
typedef struct {
  /* CHANGED: it is no longer as it was at first, which somebody may have read; there is more to tell. */
  void (*added) (HerdNoun noun, guint64 id, gboolean changed, gpointer data);
  void (*changed) (HerdNoun noun, guint64 id, gpointer data);
  void (*removed) (HerdNoun noun, guint64 id, gpointer data);
  /* The current generation is another one (or none, 0). */
  void (*certificate_updated) (const HerdCertificate *certificate, gpointer data);
  void (*operation_finished) (const HerdOperation *operation, gpointer data);
  void (*attention) (HerdNoun noun, guint64 id, const char *severity, const char *code,
                     const char *message, gpointer data);
  /* For SUBSCRIPTION's connection alone; certificate 0 is the end mark. */
  void (*updated) (const HerdSubscription *subscription, guint64 certificate, const char *name,
                   guint64 generation, gpointer data);
} HerdObserver;

typedef struct HerdRegistry HerdRegistry;

HerdRegistry *herd_registry_new (void);
void herd_registry_free (HerdRegistry *registry);
/* One observer; NULL takes it away. It outlives its time here. */
void herd_registry_set_observer (HerdRegistry *registry, const HerdObserver *observer,
                                 gpointer data);
const HerdObserver *herd_registry_get_observer (HerdRegistry *registry, gpointer *data);

/* Takes the row and tells that it was added. */
void herd_registry_add_certificate (HerdRegistry *registry, HerdCertificate *certificate);
void herd_registry_add_authority (HerdRegistry *registry, HerdAuthority *authority);
void herd_registry_add_operation (HerdRegistry *registry, HerdOperation *operation);
void herd_registry_add_subscription (HerdRegistry *registry, HerdSubscription *subscription);
/* Frees the row (no-op if there is none) and tells that it was removed. */
void herd_registry_remove (HerdRegistry *registry, HerdNoun noun, guint64 id);
/* Says that a row's properties may have changed; every change of a certificate's current generation
 * is to be followed by it. */
void herd_registry_touch (HerdRegistry *registry, HerdNoun noun, guint64 id);

/* What a change to the rows would tell, until it is on disk. */
typedef struct HerdNotices HerdNotices;

/* From here on nothing is told of any row, but noted; until the end, in the same turn of the loop. */
void herd_registry_begin_notes (HerdRegistry *registry);
/* What was noted. Until it is settled nothing is told of the changes of these rows. */
HerdNotices *herd_registry_end_notes (HerdRegistry *registry);
/* Takes NOTICES. HAPPENED: tells them; otherwise they are forgotten. */
void herd_registry_settle_notes (HerdRegistry *registry, HerdNotices *notices, gboolean happened);

/* NULL if there is no such row. */
HerdCertificate *herd_registry_get_certificate (HerdRegistry *registry, guint64 id);
HerdAuthority *herd_registry_get_authority (HerdRegistry *registry, guint64 id);
HerdOperation *herd_registry_get_operation (HerdRegistry *registry, guint64 id);
HerdSubscription *herd_registry_get_subscription (HerdRegistry *registry, guint64 id);
HerdCertificate *herd_registry_find_certificate (HerdRegistry *registry, const char *name);
HerdAuthority *herd_registry_find_authority (HerdRegistry *registry, const char *name);

/* Certificates by name, the first one after AFTER ("" for the very first); NULL at the end. */
HerdCertificate *herd_registry_next_certificate (HerdRegistry *registry, const char *after);

/* How many certificates are in each state, as of NOW (seconds). Looks at all of them only where one may
 * have expired since the last time. */
void herd_registry_count_states (HerdRegistry *registry, gint64 now,
                                 guint counts[HERD_N_CERTIFICATE_STATES]);
/* How often that was so. */
guint herd_registry_get_n_recounts (HerdRegistry *registry);

/* Files OPERATION, which has just ended (or had, when it is added), behind those that ended before. */
void herd_registry_end_operation (HerdRegistry *registry, HerdOperation *operation);
/* The one that ended first, or NULL; and how many have ended. */
HerdOperation *herd_registry_get_first_ended (HerdRegistry *registry);
guint herd_registry_count_ended (HerdRegistry *registry);

guint herd_registry_count (HerdRegistry *registry, HerdNoun noun);
/* Ids of all rows of NOUN, in no order. (transfer full) */
GArray *herd_registry_list_ids (HerdRegistry *registry, HerdNoun noun);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdRegistry, herd_registry_free)

G_END_DECLS
