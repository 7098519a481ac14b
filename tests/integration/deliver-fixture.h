// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * For the tests of certherd-deliver: a configuration, the real adapters as modules, and a pass against a
 * double of the agent.
 */
#pragma once

#include "agent-double.h"
#include "deliver/pass.h"

G_BEGIN_DECLS

typedef struct {
  char *root;
  char *config, *state, *plugins, *output;
  HerdTargetPlaces places;
} DeliverFixture;

void deliver_fixture_set_up (DeliverFixture *fixture, gconstpointer data);
void deliver_fixture_tear_down (DeliverFixture *fixture, gconstpointer data);
/* Writes the section [target web]. */
void deliver_fixture_configure (DeliverFixture *fixture, const char *format, ...)
    G_GNUC_PRINTF (2, 3);
/* A program that writes down what it is run for, and then does SCRIPT; its path. */
char *deliver_fixture_make_program (DeliverFixture *fixture, const char *script);
/* The file NAME below the root; NULL: there is none. */
char *deliver_fixture_read (DeliverFixture *fixture, const char *name);
/* One pass, which is to end with STATUS. */
void deliver_fixture_run (DeliverFixture *fixture, AgentDouble *agent, const char *target,
                          int status);
void deliver_assert_told (AgentDouble *agent, const char *line);
/* FILE below the root is the key of generation N of NAME. */
void deliver_fixture_assert_key (DeliverFixture *fixture, const char *file, const char *name,
                                 guint64 generation);

G_END_DECLS
