// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What kinds of authorizers share: who is never asked about, and how everybody else is.
 */
#pragma once

#include "bus/authorizer.h"
#include "util/clock.h"

G_BEGIN_DECLS

/* What a caller wants to do. Valid while ask() runs. */
typedef struct {
  const char *sender;
  guint32 uid;
  const char *action;
  const HerdDetails *details;
  gboolean interactive;
} HerdQuestion;

typedef struct {
  /* TASK is taken, and ends with TRUE or an error. */
  void (*ask) (HerdAuthorizer *authorizer, const HerdQuestion *question, GTask *task);
  /* Open questions are given up: their tasks end with an error, perhaps later. */
  void (*free) (HerdAuthorizer *authorizer);
} HerdAuthorizerKind;

/* First member of every kind. */
struct HerdAuthorizer {
  const HerdAuthorizerKind *kind;
  guint32 trusted; /* the uid that may do everything */
};

/* Asks polkit about everybody but root. CONNECTION: where the callers are. */
HerdAuthorizer *herd_authorizer_new_polkit (GDBusConnection *connection, HerdClock *clock);

G_END_DECLS
