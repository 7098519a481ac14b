// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reading keyfiles, line by line.
 */
#include "config/keyfile.h"

#include <string.h>

static void
read_head (char *text, guint line, const HerdKeyfileFuncs *funcs, gpointer data)
{
  char *end = strchr (text, ']');

  if (end == NULL || end[1] != '\0') {
    /* What follows belongs to no section that could be named. */
    funcs->section (NULL, line, data);
    funcs->problem ("a section's head is not closed: write [KIND NAME], with nothing after it",
                    line, data);
    return;
  }
  *end = '\0';
  funcs->section (g_strstrip (text + 1), line, data);
}

static void
read_pair (char *text, guint line, const HerdKeyfileFuncs *funcs, gpointer data)
{
  char *equals = strchr (text, '=');

  if (equals == NULL || equals == text) {
    funcs->problem ("neither a [section], nor \"key = value\", nor a # comment", line, data);
    return;
  }
  *equals = '\0';
  funcs->pair (g_strstrip (text), g_strstrip (equals + 1), line, data);
}

static void
read_line (const char *start, gsize length, guint line, const HerdKeyfileFuncs *funcs,
           gpointer data)
{
  g_autofree char *copy = NULL;
  char *text;

  if (memchr (start, '\0', length) != NULL || !g_utf8_validate (start, (gssize) length, NULL)) {
    funcs->problem ("not UTF-8 text", line, data);
    return;
  }
  copy = g_strndup (start, length);
  text = g_strstrip (copy);
  if (*text == '\0' || *text == '#')
    return;
  if (*text == '[')
    read_head (text, line, funcs, data);
  else
    read_pair (text, line, funcs, data);
}

void
herd_keyfile_read (GBytes *bytes, const HerdKeyfileFuncs *funcs, gpointer data)
{
  static const char mark[] = "\xef\xbb\xbf";
  gsize size;
  const char *text = g_bytes_get_data (bytes, &size);
  const char *end = text + size;
  guint line = 1;

  /* Editors of other systems put a byte order mark in front. */
  if (size >= strlen (mark) && memcmp (text, mark, strlen (mark)) == 0)
    text += strlen (mark);
  for (; text < end; line++) {
    const char *stop = memchr (text, '\n', (gsize) (end - text));
    gsize length = (gsize) ((stop != NULL ? stop : end) - text);

    read_line (text, length, line, funcs, data);
    text += length + 1;
  }
}
