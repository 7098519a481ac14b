// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A certificate: a named wish, its owner and origin, and its state; with its generations and
 * deliveries. Plain data; owned by the agent's tables; main loop only.
 */
#pragma once

#include <glib.h>

#include "model/backoff.h"
#include "model/suggestion.h"
#include "plugin/facts.h"

G_BEGIN_DECLS

#define HERD_FINGERPRINT_SIZE 32

/* Why a generation was revoked, and that it was (RFC 5280 section 5.3.1). The numbers are saved. */
typedef enum {
  HERD_REVOCATION_NONE, /* it was not */
  HERD_REVOCATION_UNSPECIFIED,
  HERD_REVOCATION_KEY_COMPROMISE,
  HERD_REVOCATION_AFFILIATION_CHANGED,
  HERD_REVOCATION_SUPERSEDED,
  HERD_REVOCATION_CESSATION_OF_OPERATION,
} HerdRevocation;

/* The words for them, in this order, "" for none; ends with NULL. */
extern const char *const herd_revocations[];
/* FALSE: REASON is none of the words for a reason. */
gboolean herd_revocation_parse (const char *reason, HerdRevocation *revocation);
/* The code of RFC 5280; of none: 0. */
guint herd_revocation_get_code (HerdRevocation revocation);

typedef struct HerdGeneration HerdGeneration;
typedef struct HerdDelivery HerdDelivery;

/* One issued key, chain and facts, immutable. Key and chain themselves stay in the state. There are
 * several for every certificate, so the facts are kept in one piece, and as small as they can be. */
struct HerdGeneration {
  HerdGeneration *next; /* the certificate's next newer one, or NULL */
  guint64 number;       /* never restarts for a name */
  guint64 issuer;       /* id */
  gint64 created;       /* seconds since the epoch */
  gint64 not_before;
  gint64 not_after;
  char *issued_by;            /* a GRefString, interned */
  guint8 rejected : 1;        /* a target would not have it */
  guint8 has_fingerprint : 1; /* below */
  guint8 revoked;             /* HerdRevocation: what the CA was told, and has done */
  guint16 serial_size;        /* of what PACKED begins with; the identifiers follow, then a 0 */
  guint8 fingerprint[HERD_FINGERPRINT_SIZE];
  char packed[];
};

/* Can a generation have these facts: are serial and fingerprint lower-case hexadecimal? */
gboolean herd_generation_can_have (const HerdFacts *facts);
/* Takes FACTS, which it can have. */
HerdGeneration *herd_generation_new (guint64 number, guint64 issuer, gint64 created,
                                     HerdFacts *facts);
HerdGeneration *herd_generation_copy (const HerdGeneration *generation);
void herd_generation_free (HerdGeneration *generation);
/* The facts as texts. (transfer full) */
HerdFacts *herd_generation_get_facts (const HerdGeneration *generation);
char *herd_generation_get_serial (const HerdGeneration *generation);
char *herd_generation_get_fingerprint (const HerdGeneration *generation);
/* Separated by spaces. */
const char *herd_generation_get_identifiers (const HerdGeneration *generation);

typedef enum {
  HERD_DELIVERY_PENDING,
  HERD_DELIVERY_INSTALLING,
  HERD_DELIVERY_APPLIED,
  HERD_DELIVERY_REJECTED,
  HERD_DELIVERY_HELD,
  HERD_DELIVERY_GONE,
} HerdDeliveryState;

const char *herd_delivery_state_to_string (HerdDeliveryState state);

/* (certificate, target): who is to have which generation, and has. */
struct HerdDelivery {
  HerdDelivery *next; /* another one of the certificate, or NULL */
  char *target; /* a configured target's name, or UID:LABEL of a reader; a GRefString, interned */
  HerdDeliveryState state;
  guint attempts; /* at the wanted generation */
  guint64 wanted; /* generations; 0 = none */
  guint64 applied;
  guint64 proved;
  gint64 since;    /* of the state */
  gint64 retry_at; /* seconds, 0 = not waiting */
  char *message;   /* why; never NULL; a GRefString, interned */

  /* Not saved. */
  guint64 sent;        /* the generation that the subscriber was told of last, 0 = none … */
  guint64 sent_before; /* … and before that one */
};

HerdDelivery *herd_delivery_new (const char *target);
void herd_delivery_free (HerdDelivery *delivery);
void herd_delivery_set_message (HerdDelivery *delivery, const char *message);

typedef enum {
  HERD_ORIGIN_BUS,
  HERD_ORIGIN_FILE,
} HerdOrigin;

const char *herd_origin_to_string (HerdOrigin origin);

/* What happens next of itself. */
typedef enum {
  HERD_ACTION_NONE,
  HERD_ACTION_ISSUE,
  HERD_ACTION_RENEW,
  HERD_ACTION_RETRY,
  HERD_ACTION_DELIVER,
} HerdAction;

const char *herd_action_to_string (HerdAction action);

/* What there is of it. */
typedef enum {
  HERD_CERTIFICATE_NONE,
  HERD_CERTIFICATE_VALID,
  HERD_CERTIFICATE_EXPIRED,
  HERD_CERTIFICATE_REVOKED,
} HerdCertificateState;
#define HERD_N_CERTIFICATE_STATES 4

/* "none", "valid", "expired", "revoked". */
const char *herd_certificate_state_to_string (HerdCertificateState state);
/* All of them, and all that herd_certificate_get_activity() gives; each ends with NULL. */
extern const char *const herd_certificate_states[];
extern const char *const herd_certificate_activities[];

/* There may be 100,000 of them: what is small is kept together, and the name in the same piece. */
typedef struct {
  guint64 id;     /* opaque, persisted, never reused */
  guint32 owner;  /* uid */
  guint failures; /* in a row, of whichever issuers */
  HerdOrigin origin : 8;
  HerdAction action : 8;            /* the next one */
  HerdCertificateState counted : 8; /* the registry's: as what it is in its counts; not saved */
  guint retired : 1;                /* its section vanished: kept, not renewed */
  guint revision;                   /* changes with everything that rights depend on; not saved */
  GVariant *spec;                   /* a{sv}, normal form; see model/spec.h */
  gint64 created;

  /* Linked, for nearly always there is one: an array of pointers would be larger than what it points to. */
  HerdGeneration *generations; /* oldest first; only the kept ones; NULL: none */
  HerdDelivery *deliveries;    /* in the order of their coming; NULL: none */
  guint64 current;             /* number, 0 = none */
  guint64 last_number;         /* the highest ever given */

  gint64 renew_at;            /* of the newest issued generation; picked once, 0 = none */
  HerdSuggestion *suggestion; /* NULL: the CA has made none, and is not asked for one */
  gint64 action_time;
  char *action_reason; /* never NULL; this and the next two: GRefStrings, interned */
  char *last_error;    /* D-Bus name, "" = none */
  char *last_error_message;
  gint64 last_error_time;
  gint64 retry_at;     /* no attempt before, with any of them; 0 = none */
  GPtrArray *backoffs; /* HerdBackoff, those of single issuers; NULL: none */
  guint64 operation;   /* the running one's id, 0 = none; not saved */
  char name[];
} HerdCertificate;

HerdCertificate *herd_certificate_new (guint64 id, const char *name, guint32 owner,
                                       HerdOrigin origin, GVariant *spec);
void herd_certificate_free (HerdCertificate *certificate);
/* Makes CERTIFICATE what SAVED (taken; of the same id) is, but for what is not saved. */
void herd_certificate_restore (HerdCertificate *certificate, HerdCertificate *saved);

/* Takes GENERATION, which is newer than all of them and not in a list. */
void herd_certificate_add_generation (HerdCertificate *certificate, HerdGeneration *generation);
/* Frees GENERATION, which is one of CERTIFICATE's. */
void herd_certificate_remove_generation (HerdCertificate *certificate, HerdGeneration *generation);
guint herd_certificate_count_generations (const HerdCertificate *certificate);
HerdGeneration *herd_certificate_find_generation (const HerdCertificate *certificate,
                                                  guint64 number);
/* The current one, or NULL. */
HerdGeneration *herd_certificate_get_current (const HerdCertificate *certificate);
/* The one with the highest number, or NULL. */
HerdGeneration *herd_certificate_get_newest (const HerdCertificate *certificate);
/* Takes DELIVERY, which is not in a list. */
void herd_certificate_add_delivery (HerdCertificate *certificate, HerdDelivery *delivery);
/* Frees DELIVERY, which is one of CERTIFICATE's. */
void herd_certificate_remove_delivery (HerdCertificate *certificate, HerdDelivery *delivery);
HerdDelivery *herd_certificate_find_delivery (const HerdCertificate *certificate,
                                              const char *target);
HerdCertificateState herd_certificate_get_state (const HerdCertificate *certificate, gint64 now);
/* "idle", "waiting", "issuing", "delivering", "blocked". */
const char *herd_certificate_get_activity (const HerdCertificate *certificate, gint64 now);
/* NULL name clears. */
void herd_certificate_set_error (HerdCertificate *certificate, const char *name,
                                 const char *message, gint64 when);
void herd_certificate_set_action (HerdCertificate *certificate, HerdAction action, gint64 when,
                                  const char *reason);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdGeneration, herd_generation_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdDelivery, herd_delivery_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdCertificate, herd_certificate_free)

G_END_DECLS
