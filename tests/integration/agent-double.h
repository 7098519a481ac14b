// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A double of the agent on a private session bus, as a deliverer sees it: Agent1.Subscribe,
 * Certificate1.OpenBundle and Deliveries, Subscription1, all from data/dbus. It does what a test tells
 * it, wrong things too, and writes down what it is told. It lives in a thread of its own, since
 * deliveries block.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct {
  const char *name;
  guint64 generation;  /* what Updated says; 0: it was removed */
  guint64 applied;     /* what Deliveries says */
  guint64 missing;     /* the generation that is not there any more */
  gboolean unsealed;   /* its memfds are */
  gboolean is_revoked; /* what was applied */
  gboolean is_over;    /* likewise */
} DoubleCertificate;

typedef struct {
  GTestDBus *bus;
  GThread *thread;
  GMainContext *context;
  GMainLoop *loop;
  GDBusConnection *connection;
  const DoubleCertificate *certificates;
  guint count;
  const char *refusal; /* of Subscribe: an error's name */
  gboolean vanishes;   /* in the middle of the batch */
  GString *told;       /* a line for each call: "subscribe TARGET", "open NAME N",
                          "acknowledge NAME N yes|no MESSAGE", "close" */
  char *subscriber;
} AgentDouble;

/* With COUNT CERTIFICATES, which outlive it. Sets DBUS_SESSION_BUS_ADDRESS. */
AgentDouble *agent_double_new (const DoubleCertificate *certificates, guint count);
void agent_double_free (AgentDouble *agent);
/* Lets it own the agent's name; its fields are no longer the test's to change until agent_double_stop. */
void agent_double_start (AgentDouble *agent);
/* Ends it; what it was told can be read then. */
void agent_double_stop (AgentDouble *agent);

/* The key and the chain that the double sends for generation N of NAME: real ones, self-signed. The
 * same every time in one process; (transfer none). */
const char *agent_double_get_key (const char *name, guint64 generation);
const char *agent_double_get_chain (const char *name, guint64 generation);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AgentDouble, agent_double_free)

G_END_DECLS
