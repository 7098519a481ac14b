// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * For the tests of the state: a directory of its own, nouns with every field set, and calls that
 * wait for their answer.
 */
#pragma once

#include <sqlite3.h>

#include "state/state.h"

G_BEGIN_DECLS

typedef struct {
  char *directory; /* the state's; not there yet */
  char *path;      /* of the database */
  GBytes *kek;
  GMutex held; /* what the state's thread is made to wait for */
  HerdState *state;
} StateFixture;

void state_fixture_set_up (StateFixture *fixture, gconstpointer data);
void state_fixture_tear_down (StateFixture *fixture, gconstpointer data);
/* Takes the directory away already: for a child that will not live to tear it down. */
void state_fixture_clear (StateFixture *fixture);
/* Opens; the first is with the KEK of the fixture, the second without. */
void state_fixture_open (StateFixture *fixture);
void state_fixture_open_locked (StateFixture *fixture);
void state_fixture_close (StateFixture *fixture);
/* Opening must fail with CODE, and the message must hold WORDS. */
void state_fixture_refused (StateFixture *fixture, int code, const char *words);
/* Runs SQL behind the state's back; it is closed meanwhile. */
void state_fixture_sql (StateFixture *fixture, const char *sql);

/* Makes the state's thread wait, so that what is asked for meanwhile waits together. */
void state_fixture_hold (StateFixture *fixture);
void state_fixture_let_go (StateFixture *fixture);

void remove_tree (const char *path);

/* Waits. Takes BATCH. */
gboolean commit (HerdState *state, HerdBatch *batch, GError **error);
void commit_ok (HerdState *state, HerdBatch *batch);
gboolean read_generation (HerdState *state, guint64 certificate, guint64 number, gboolean with_key,
                          GBytes **chain, GBytes **key, GError **error);
gboolean read_attempt (HerdState *state, guint64 certificate, guint64 issuer, char **wish,
                       GBytes **checkpoint, GBytes **key, GError **error);
gboolean read_operation (HerdState *state, guint64 operation, GBytes **checkpoint, GBytes **key,
                         GError **error);
GBytes *read_record (HerdState *state, guint64 authority, const char *name, GError **error);

GBytes *bytes (const char *text);
void assert_bytes (GBytes *bytes, const char *text);
/* The message names what it should. */
void assert_words (const GError *error, int code, const char *words);

HerdAuthority *make_authority (guint64 id, const char *name);
HerdGeneration *make_generation (guint64 number);
/* With generations 1 to N_GENERATIONS, the last one current, and two deliveries. */
HerdCertificate *make_certificate (guint64 id, const char *name, guint n_generations);
HerdOperation *make_operation (guint64 id, guint64 certificate);
/* The certificate with all its generations; the keys are "key NUMBER", the chains "chain NUMBER". */
void put_whole (HerdBatch *batch, const HerdCertificate *certificate);

/* A certificate of two generations, whole. */
HerdBatch *make_batch (guint64 id);
guint count_certificates (StateFixture *fixture);

/* The answers of commits that nobody waits for one by one. */
typedef struct {
  guint n_done;
  guint n_failed;
  GError *error; /* the last one */
  HerdState *state;
} Tally;

/* The callback; DATA is a Tally. */
void tally_count (GObject *source, GAsyncResult *result, gpointer data);

void assert_same_certificate (const HerdCertificate *a, const HerdCertificate *b);

G_END_DECLS
