// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Runs the real certherd-responder for a test: as systemd would, with sockets that outlive it, or as the
 * agent does, as a child. Readiness is waited for on its notification socket.
 */
#pragma once

#include <gio/gio.h>

#include "config/wire.h"

G_BEGIN_DECLS

typedef struct {
  char *root;        /* a temporary directory */
  char *socket_path; /* of the control socket, when the sockets are ours */
  guint16 port;      /* http-01, on 127.0.0.1 and ::1 */
  int control;       /* listening, or our end of the pair; -1 = none */
  int http[2];       /* listening; -1 = none */
  pid_t pid;         /* 0 = not running */
  char *complaints;  /* standard error of the last one that was waited for */
  int errors;        /* the other end of that */
  int notify;
} ResponderProcess;

ResponderProcess *responder_process_new (void);
/* Ends it if it runs, and removes everything. */
void responder_process_free (ResponderProcess *process);

/* Opens the sockets that systemd would hold: http-01 on both loopback addresses, and control. */
void responder_process_open_sockets (ResponderProcess *process);
/* Starts it with them, under NAMES as LISTEN_FDNAMES (NULL: the right ones). */
void responder_process_start_inherited (ResponderProcess *process, const char *names);
/* Starts it as a child, with --control-fd and [solver http-01] listen = LISTEN (NULL: no section). */
void responder_process_start_child (ResponderProcess *process, const char *listen);
/* Waits for READY=1; FALSE if it ended before. */
gboolean responder_process_wait_ready (ResponderProcess *process);
/* Sends SIGNAL (0: none), waits for its end, and returns the exit status; -SIGNAL if one killed it. */
int responder_process_stop (ResponderProcess *process, int signal);

/* A port on which nobody listens. */
guint16 responder_process_find_port (void);
HerdChallenge *responder_process_make_challenge (const char *identifier, const char *name);
/* Sends a request over FD and returns the reply; NULL if there was none. */
HerdWireReply *responder_process_ask (int fd, HerdWireVerb verb, GPtrArray *challenges);
int responder_process_connect_control (ResponderProcess *process);
/* Sends SIZE bytes of TEXT to PORT (over IPv6 or IPv4) and returns everything that comes until the end;
 * NULL if the connection was reset. */
char *responder_process_exchange (guint16 port, gboolean ipv6, const char *text, gssize size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ResponderProcess, responder_process_free)

G_END_DECLS
