// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The parts of the export command: what the agent gives is put into another form, and into files. Private
 * keys and passwords are in memory that is wiped. Blocking.
 */
#pragma once

#include "ctl/ctl.h"

G_BEGIN_DECLS

/* Takes DATA, and wipes it when the last reference goes. */
GBytes *herd_ctl_secret_new_take (gpointer data, gsize size);
/* Up to LIMIT bytes of DESCRIPTOR; WHAT is for the message. */
GBytes *herd_ctl_secret_read (int descriptor, gsize limit, const char *what, GError **error);

/* password.c: the first line of FILE ("-": standard input), or, where FILE is NULL, what is typed twice at
 * the terminal, which does not show it. NUL-terminated UTF-8, not empty. Errors: G_OPTION_ERROR; a
 * signal at the prompt is G_IO_ERROR_TIMED_OUT. */
GBytes *herd_ctl_password_read (const char *file, GError **error);

/* formats.c, the only place here with GnuTLS: DER of the first certificate, or of the key, in PEM. */
GBytes *herd_ctl_certificate_to_der (GBytes *chain, GError **error);
GBytes *herd_ctl_key_to_der (GBytes *key, GError **error);
/* PKCS#12 (RFC 7292) with CHAIN and KEY, named NAME, under PASSWORD: AES-256 with keys from PBKDF2, and
 * HMAC-SHA-256. LEGACY: triple DES and HMAC-SHA-1, which is all that old systems read. */
GBytes *herd_ctl_to_pkcs12 (GBytes *chain, GBytes *key, const char *name, const char *password,
                            gboolean legacy, GError **error);

/* files.c: what is written, and where to. */
typedef struct {
  const char *path; /* "-": standard output */
  GBytes *bytes;
  gboolean secret; /* mode 0600; otherwise what the umask leaves of 0644 */
  char *temporary; /* files.c's own; NULL to begin with */
} HerdCtlFile;

/* Whether FILE may be written: there is nothing of its name, or with FORCE a file. Errors: G_OPTION_ERROR. */
gboolean herd_ctl_file_check (const HerdCtlFile *file, gboolean force, GError **error);
/* Each of FILES appears whole, under its name, or not at all; and none before all have been written under
 * another. Errors: those of the check; G_FILE_ERROR. */
gboolean herd_ctl_files_write (HerdCtlFile *files, guint count, gboolean force, GError **error);

G_END_DECLS
