// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the commands of certherdctl share: the command line, the connection, following an operation.
 * certherdctl speaks D-Bus only: it includes nothing of the agent, so whatever it can do, any other
 * client can. One command for each run, on the main thread; calls block.
 */
#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>

G_BEGIN_DECLS

#define HERD_CTL_BUS_NAME "org.certherd.Agent1"
#define HERD_CTL_ROOT "/org/certherd/Agent1"
#define HERD_CTL_AGENT "org.certherd.Agent1"
#define HERD_CTL_CERTIFICATE "org.certherd.Certificate1"
#define HERD_CTL_ISSUER "org.certherd.Issuer1"
#define HERD_CTL_OPERATION "org.certherd.Operation1"
#define HERD_CTL_PROPERTIES "org.freedesktop.DBus.Properties"

/* The exit status: part of the interface, documented in --help and README.md. */
typedef enum {
  HERD_CTL_OK = 0,
  HERD_CTL_FAILED = 1,
  HERD_CTL_USAGE = 2,
  HERD_CTL_UNREACHABLE = 3,
  HERD_CTL_NOT_AUTHORIZED = 4,
  HERD_CTL_NOT_FOUND = 5,
  HERD_CTL_OPERATION_FAILED = 6,
  HERD_CTL_CANCELLED = 7,
  HERD_CTL_FINDINGS = 8, /* check found a warning or an error */
} HerdCtlStatus;

typedef struct HerdCtl HerdCtl;

/* A row of the table of commands. Texts are marked for translation, not translated. */
typedef struct {
  const char *name; /* one word or two: "issuer add" */
  const char *arguments;
  const char *help;
  HerdCtlStatus (*run) (HerdCtl *ctl);
} HerdCtlCommand;

struct HerdCtl {
  const HerdCtlCommand *command;
  char **arguments; /* [0]: the command, as g_option_context_parse_strv() wants it */
  gboolean session;
  gboolean json;
  gboolean terminal; /* standard output is one */
  gboolean colour;
  gint64 now; /* seconds since the epoch */
  GDBusConnection *connection;
};

/* main.c: parses the command's own OPTIONS (NULL-terminated, may be NULL) and the global ones; then
 * ctl->arguments + 1 are the words that remain, exactly COUNT of them. --help does not return. */
gboolean herd_ctl_parse (HerdCtl *ctl, const GOptionEntry *options, const char *description,
                         guint count, GError **error);

/* The same with at least LEAST and at most MOST words. */
gboolean herd_ctl_parse_some (HerdCtl *ctl, const GOptionEntry *options, const char *description,
                              guint least, guint most, GError **error);

/* main.c: the number of a generation, as it was typed; TEXT NULL: 0, which is the current one. */
gboolean herd_ctl_read_generation (const char *text, guint64 *generation, GError **error);

/* connection.c: one call, connecting at the first. The caller may be asked to authenticate, so a
 * call has two minutes. (transfer full) */
GVariant *herd_ctl_call (HerdCtl *ctl, const char *path, const char *interface, const char *member,
                         GVariant *parameters, const char *reply, GError **error);
/* The same with descriptors, which "h" in PARAMETERS counts; FDS may be NULL. */
GVariant *herd_ctl_call_with_fds (HerdCtl *ctl, const char *path, const char *interface,
                                  const char *member, GVariant *parameters, GUnixFDList *fds,
                                  const char *reply, GError **error);
/* The same where the answer has descriptors, which "h" in REPLY counts (transfer full; never NULL on
 * success). */
GVariant *herd_ctl_call_for_fds (HerdCtl *ctl, const char *path, const char *interface,
                                 const char *member, GVariant *parameters, const char *reply,
                                 GUnixFDList **fds, GError **error);
/* All properties of INTERFACE at PATH: a{sv}. */
GVariant *herd_ctl_get_all (HerdCtl *ctl, const char *path, const char *interface, GError **error);
/* The one property PROPERTY, a string; NULL if it cannot be had. */
char *herd_ctl_get_string (HerdCtl *ctl, const char *path, const char *interface,
                           const char *property);
/* The object of the name NAME: MEMBER is "GetCertificate" or "GetIssuer". */
char *herd_ctl_find (HerdCtl *ctl, const char *member, const char *name, GError **error);
gboolean herd_ctl_connect (HerdCtl *ctl, GError **error);
/* Reports ERROR, as JSON where that was asked for, and says how to exit. */
HerdCtlStatus herd_ctl_fail (HerdCtl *ctl, const GError *error);

/* operation.c: waits for the end of OPERATION, printing its steps as they happen (not with --json),
 * and sets PROPERTIES to its last state (a{sv}; NULL if it cannot be had). NAME is for messages.
 * SIGINT and SIGTERM stop the waiting, not the operation. A failure is reported by the caller, who
 * knows what to advise. */
HerdCtlStatus herd_ctl_follow (HerdCtl *ctl, const char *operation, const char *name,
                               GVariant **properties);
/* Says why an operation failed, on standard error. */
void herd_ctl_report_failure (HerdCtl *ctl, const char *name, GVariant *properties);
/* What a step does, for people; a name that is not known is given back. */
const char *herd_ctl_step_describe (const char *step);

/* check.c: what an operation's Result has of findings: aa{sv}, perhaps empty (transfer full). */
GVariant *herd_ctl_get_findings (GVariant *operation);
/* What a finding is about: an identifier, an issuer, both, or "". (transfer full) */
char *herd_ctl_format_subject (GVariant *finding);
void herd_ctl_print_findings (HerdCtl *ctl, GVariant *findings);

/* issuer.c: prints the issuer at PATH, and what the agent says of it that needs somebody. */
HerdCtlStatus herd_ctl_issuer_print (HerdCtl *ctl, const char *path);
/* The contacts as URLs: "admin@example.org" is "mailto:admin@example.org". Floating. */
GVariant *herd_ctl_contacts_to_variant (char **contacts);

/* The commands, one function each; each file has those that it is named after. */
HerdCtlStatus herd_ctl_request (HerdCtl *ctl);
HerdCtlStatus herd_ctl_modify (HerdCtl *ctl);
HerdCtlStatus herd_ctl_renew (HerdCtl *ctl);
HerdCtlStatus herd_ctl_revoke (HerdCtl *ctl);
HerdCtlStatus herd_ctl_retry (HerdCtl *ctl);
HerdCtlStatus herd_ctl_remove (HerdCtl *ctl);
HerdCtlStatus herd_ctl_check (HerdCtl *ctl);
HerdCtlStatus herd_ctl_export (HerdCtl *ctl);
HerdCtlStatus herd_ctl_list (HerdCtl *ctl);
HerdCtlStatus herd_ctl_show (HerdCtl *ctl);
HerdCtlStatus herd_ctl_why (HerdCtl *ctl);
HerdCtlStatus herd_ctl_watch (HerdCtl *ctl);
HerdCtlStatus herd_ctl_version (HerdCtl *ctl);
HerdCtlStatus herd_ctl_issuer_list (HerdCtl *ctl);
HerdCtlStatus herd_ctl_issuer_presets (HerdCtl *ctl);
HerdCtlStatus herd_ctl_issuer_show (HerdCtl *ctl);
HerdCtlStatus herd_ctl_issuer_add (HerdCtl *ctl);
HerdCtlStatus herd_ctl_issuer_register (HerdCtl *ctl);
HerdCtlStatus herd_ctl_issuer_set_contacts (HerdCtl *ctl);
HerdCtlStatus herd_ctl_issuer_roll_key (HerdCtl *ctl);
HerdCtlStatus herd_ctl_issuer_deactivate (HerdCtl *ctl);
HerdCtlStatus herd_ctl_issuer_import (HerdCtl *ctl);
HerdCtlStatus herd_ctl_issuer_remove (HerdCtl *ctl);

G_END_DECLS
