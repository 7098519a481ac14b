// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Secrets on their way through certherdctl: memory that is wiped, and passwords from a file or a terminal,
 * never from the command line or the environment. Blocking; one thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "ctl/export.h"

#define PASSWORD_LIMIT 1024

/* ---- memory -------------------------------------------------------------------------------- */

typedef struct {
  gpointer data;
  gsize size;
} Secret;

static void
secret_free (gpointer data)
{
  Secret *secret = data;

  explicit_bzero (secret->data, secret->size);
  g_free (secret->data);
  g_free (secret);
}

GBytes *
herd_ctl_secret_new_take (gpointer data, gsize size)
{
  Secret *secret = g_new (Secret, 1);

  *secret = (Secret){ data, size };
  return g_bytes_new_with_free_func (data, size, secret_free, secret);
}

GBytes *
herd_ctl_secret_read (int descriptor, gsize limit, const char *what, GError **error)
{
  char *data = g_malloc (limit + 1);
  gsize size = 0;
  gssize got = 0;

  do {
    got = read (descriptor, data + size, limit + 1 - size);
    size += got > 0 ? (gsize) got : 0;
  } while (size <= limit && (got > 0 || (got < 0 && errno == EINTR)));
  if (got == 0 && size <= limit)
    return herd_ctl_secret_new_take (data, size);
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               _ ("%s cannot be read, or has more than %zu bytes"), what, limit);
  explicit_bzero (data, size);
  g_free (data);
  return NULL;
}

/* ---- what is read -------------------------------------------------------------------------- */

/* The first line of BYTES, with a NUL. */
static GBytes *
take_line (GBytes *bytes, const char *what, GError **error)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);
  const char *end = memchr (data, '\n', size);
  gsize length = end != NULL ? (gsize) (end - data) : size;

  if (length > 0 && data[length - 1] == '\r')
    length--;
  if (length == 0 || memchr (data, '\0', length) != NULL
      || !g_utf8_validate (data, (gssize) length, NULL)) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 _ ("%s: the first line is to be the password, in UTF-8 and not empty"), what);
    return NULL;
  }
  return herd_ctl_secret_new_take (g_strndup (data, length), length + 1);
}

static GBytes *
read_file (const char *file, GError **error)
{
  int descriptor = g_str_equal (file, "-") ? dup (STDIN_FILENO) : open (file, O_RDONLY | O_CLOEXEC);
  g_autoptr (GBytes) bytes = NULL;

  if (descriptor < 0) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("%s cannot be read: %s"), file,
                 g_strerror (errno));
    return NULL;
  }
  bytes = herd_ctl_secret_read (descriptor, PASSWORD_LIMIT, file, error);
  close (descriptor);
  return bytes != NULL ? take_line (bytes, file, error) : NULL;
}

/* ---- the terminal -------------------------------------------------------------------------- */

/* A signal ends the asking, and not the program, which has a terminal to put in order. */
typedef struct {
  GMainLoop *loop;
  gboolean readable;
} Wait;

static gboolean
on_signal (gpointer data)
{
  g_main_loop_quit (((Wait *) data)->loop);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_readable (int terminal G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
  ((Wait *) data)->readable = TRUE;
  return on_signal (data);
}

/* FALSE: a signal came first. */
static gboolean
wait_for_line (int terminal, const char *question)
{
  const int signals[] = { SIGINT, SIGTERM, SIGHUP };
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Wait wait = { loop, FALSE };
  guint sources[G_N_ELEMENTS (signals) + 1];

  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    sources[i] = g_unix_signal_add (signals[i], on_signal, &wait);
  sources[G_N_ELEMENTS (signals)] = g_unix_fd_add (terminal, G_IO_IN, on_readable, &wait);
  dprintf (terminal, "%s", question);
  g_main_loop_run (loop);
  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    g_source_remove (sources[i]);
  return wait.readable;
}

/* One line from TERMINAL; NULL: a signal, or its end. */
static GBytes *
read_line (int terminal, const char *question)
{
  char line[PASSWORD_LIMIT + 1];
  gssize size = wait_for_line (terminal, question) ? read (terminal, line, PASSWORD_LIMIT) : -1;
  GBytes *bytes = NULL;

  if (size > 0)
    bytes = herd_ctl_secret_new_take (g_strndup (line, (gsize) size), (gsize) size);
  explicit_bzero (line, sizeof line);
  return bytes;
}

/* Asks once; the line is not shown. */
static GBytes *
ask (int terminal, const char *question, GError **error)
{
  struct termios shown, hidden;
  g_autoptr (GBytes) line = NULL;

  if (tcgetattr (terminal, &shown) != 0) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 _ ("the password cannot be asked for: %s; use --password-file"),
                 g_strerror (errno));
    return NULL;
  }
  hidden = shown;
  hidden.c_lflag &= ~(tcflag_t) ECHO;
  hidden.c_cc[VQUIT] = hidden.c_cc[VSUSP] = _POSIX_VDISABLE;
  tcsetattr (terminal, TCSAFLUSH, &hidden);
  line = read_line (terminal, question);
  tcsetattr (terminal, TCSAFLUSH, &shown);
  dprintf (terminal, "\n");
  if (line == NULL) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, _ ("no password was given"));
    return NULL;
  }
  return take_line (line, _ ("the terminal"), error);
}

static GBytes *
ask_twice (int terminal, GError **error)
{
  g_autoptr (GBytes) first = ask (terminal, _ ("Password for the PKCS#12 file: "), error);
  g_autoptr (GBytes) second = first != NULL ? ask (terminal, _ ("Again: "), error) : NULL;

  if (second == NULL)
    return NULL;
  if (g_bytes_equal (first, second))
    return g_steal_pointer (&first);
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               _ ("the two passwords are not the same; nothing was written"));
  return NULL;
}

GBytes *
herd_ctl_password_read (const char *file, GError **error)
{
  GBytes *password;
  int terminal;

  if (file != NULL)
    return read_file (file, error);
  terminal = open ("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal < 0) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 _ ("there is no terminal to ask for the password; use --password-file"));
    return NULL;
  }
  password = ask_twice (terminal, error);
  close (terminal);
  return password;
}
