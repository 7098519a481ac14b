// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A directory, held open, and what is done directly below it. Names are single components; nothing
 * follows a symbolic link, so whoever may write there cannot lead us elsewhere. Blocking; for the
 * adapters, in certherd-deliver, and for small files of solvers.
 */
#pragma once

#include <gio/gio.h>
#include <sys/types.h>

G_BEGIN_DECLS

typedef struct {
  int fd;
  char *path; /* for messages */
} HerdDirectory;

/* Who a file is for. */
typedef struct {
  uid_t owner; /* (uid_t) -1: left as it is */
  gid_t group; /* (gid_t) -1: left as it is */
  mode_t mode;
} HerdFileRights;

/* Sets ERROR for errno NUMBER, "cannot VERB PATH[/NAME]: cause; next step". Always FALSE. */
gboolean herd_directory_fail (const HerdDirectory *directory, const char *name, const char *verb,
                              int number, GError **error);

/* PATH itself is the administrator's word: it may go through symbolic links. HERD_ERROR_NOT_FOUND. */
HerdDirectory *herd_directory_open (const char *path, GError **error);
/* A directory below. With CREATE, it is made (0755) if it is not there. */
HerdDirectory *herd_directory_open_child (const HerdDirectory *parent, const char *name,
                                          gboolean create, GError **error);
void herd_directory_close (HerdDirectory *directory);

/* Makes the file NAME, which must not be there, with BYTES; on the disk when it returns. */
gboolean herd_directory_write (const HerdDirectory *directory, const char *name, GBytes *bytes,
                               const HerdFileRights *rights, GError **error);
/* The regular file NAME whole; NULL without ERROR if there is none (of that kind, or not larger than
 * LIMIT). */
GBytes *herd_directory_read (const HerdDirectory *directory, const char *name, gsize limit,
                             GError **error);
/* Is NAME a regular file with just these bytes and rights? */
gboolean herd_directory_holds (const HerdDirectory *directory, const char *name, GBytes *bytes,
                               const HerdFileRights *rights);
/* Renames within, or between two directories of one file system. */
gboolean herd_directory_rename (const HerdDirectory *directory, const char *from, const char *to,
                                GError **error);
/* Unlinks NAME, if it is there. */
gboolean herd_directory_unlink (const HerdDirectory *directory, const char *name, GError **error);
/* Removes the directory NAME if it is empty, and that is allowed. */
void herd_directory_prune (const HerdDirectory *parent, const char *name);
/* Names of all entries but "." and "..", in no order. */
GPtrArray *herd_directory_list (const HerdDirectory *directory, GError **error);
gboolean herd_directory_sync (const HerdDirectory *directory, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdDirectory, herd_directory_close)

G_END_DECLS
