// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reading secrets. What was read is wiped before it is freed, on every way out.
 */
#include "secret-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/error.h"

typedef struct {
  char text[HERD_SECRET_FILE_LIMIT + 1];
} Contents;

static void
contents_free (Contents *contents)
{
  explicit_bzero (contents, sizeof *contents);
  g_free (contents);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Contents, contents_free)

void
herd_secret_text_free (char *text)
{
  if (text != NULL)
    explicit_bzero (text, strlen (text));
  g_free (text);
}

/* How many bytes; -1 and errno. */
static gssize
read_all (int fd, char *text, gsize size)
{
  gsize done = 0;

  while (done < size) {
    gssize got = read (fd, text + done, size - done);

    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return -1;
    if (got == 0)
      break;
    done += (gsize) got;
  }
  return (gssize) done;
}

static gboolean
check_file (const char *key, const char *path, const struct stat *status, GError **error)
{
  if (S_ISREG (status->st_mode) && (status->st_mode & (S_IROTH | S_IWOTH)) == 0)
    return TRUE;
  if (!S_ISREG (status->st_mode))
    g_set_error (error, HERD_ERROR, HERD_ERROR_ACTION_REQUIRED, "%s %s is not a file", key, path);
  else
    g_set_error (error, HERD_ERROR, HERD_ERROR_ACTION_REQUIRED,
                 "%s %s (mode %04o) can be read or written by everybody; chmod o= it, and think "
                 "of another secret, since this one may be known",
                 key, path, (guint) status->st_mode & 07777);
  return FALSE;
}

char *
herd_secret_file_read (const char *key, const char *path, GError **error)
{
  g_autoptr (Contents) contents = g_new0 (Contents, 1);
  /* O_NONBLOCK: opening a FIFO must not wait for its writer. */
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  gboolean opened = fd >= 0;
  struct stat status;
  gssize size = -1;

  if (opened && fstat (fd, &status) == 0) {
    if (!check_file (key, path, &status, error)) {
      close (fd);
      return NULL;
    }
    size = read_all (fd, contents->text, sizeof contents->text);
  }
  if (size < 0)
    g_set_error (error, HERD_ERROR, HERD_ERROR_ACTION_REQUIRED,
                 "%s %s: %s; the agent's user must be able to read it", key, path,
                 g_strerror (errno));
  if (opened)
    close (fd);
  if (size < 0)
    return NULL;
  if (size > HERD_SECRET_FILE_LIMIT || memchr (contents->text, '\0', (gsize) size) != NULL) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_ACTION_REQUIRED,
                 "%s %s is not a text of at most %d bytes", key, path, HERD_SECRET_FILE_LIMIT);
    return NULL;
  }
  return g_strndup (contents->text, (gsize) size);
}
