// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * How programs are told of challenges: what one call of each convention is made of. Pure; owned by
 * whoever makes a call.
 */
#pragma once

#include <gio/gio.h>

#include "plugin/challenge.h"

G_BEGIN_DECLS

typedef enum {
  CONVENTION_CERTHERD,  /* one call for all challenges, lines on standard input */
  CONVENTION_CERTBOT,   /* one call for each: CERTBOT_… in the environment */
  CONVENTION_DEHYDRATED /* one call for each, or with hook-chain for all: arguments */
} Convention;

typedef enum { ACTION_PRESENT, ACTION_CLEANUP } Action;

/* What is the same for all calls of a batch. */
typedef struct {
  Convention convention;
  Action action;
  const char *solver; /* its name */
  const char *type;   /* of all challenges */
  char **command;     /* and its arguments */
  gboolean chain;
  GPtrArray *challenges; /* HerdChallenge */
} Batch;

/* One run of the program. */
typedef struct {
  char **argv;
  char **environment;
  GBytes *input;
  GPtrArray *challenges; /* what it is about; at least one */
} Call;

/* The calls for BATCH, in their order (of Call; transfer full). */
GPtrArray *calls_new (const Batch *batch);

/* What a validator wants to see of CHALLENGE: the value of the TXT record for dns-01, else the key
 * authorization. (transfer full) */
char *challenge_get_value (const HerdChallenge *challenge);

/* Adds NAME=VALUE to a call's environment. */
void call_set (Call *call, const char *name, const char *value);

G_END_DECLS
