// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reading DNS messages. c-ares' own parsers tell neither whose the records are nor anything of the
 * authority section, and whether a record is believed depends on both: only its reading of compressed
 * names is used. Every read is checked against the end of the message, or of its record.
 */
#include "net/dns-answer.h"

#include <ares.h>
#include <arpa/inet.h>
#include <string.h>

#include "plugin/error.h"

#define HEADER_SIZE 12
#define RECORDS_LIMIT 512
#define CHAIN_LIMIT 8
#define CLASS_IN 1

typedef struct {
  const guint8 *message;
  gsize size;
  gsize at;
} Reader;

const char *
herd_dns_type_to_string (HerdDnsType type)
{
  switch (type) {
  case HERD_DNS_A:
    return "A";
  case HERD_DNS_NS:
    return "NS";
  case HERD_DNS_CNAME:
    return "CNAME";
  case HERD_DNS_SOA:
    return "SOA";
  case HERD_DNS_TXT:
    return "TXT";
  case HERD_DNS_AAAA:
    return "AAAA";
  case HERD_DNS_CAA:
    return "CAA";
  }
  return "unknown";
}

char *
herd_dns_rcode_to_string (guint rcode)
{
  static const char *const names[] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
                                       "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
                                       "NXRRSET", "NOTAUTH", "NOTZONE" };

  return rcode < G_N_ELEMENTS (names) ? g_strdup (names[rcode])
                                      : g_strdup_printf ("rcode %u", rcode);
}

gboolean
herd_dns_name_is_within (const char *name, const char *zone)
{
  gsize length = strlen (name);
  gsize suffix = strlen (zone);

  if (suffix == 0)
    return TRUE;
  return length >= suffix && g_str_equal (name + length - suffix, zone)
         && (length == suffix || name[length - suffix - 1] == '.');
}

static void
record_free (gpointer data)
{
  HerdDnsRecord *record = data;

  g_free (record->owner);
  g_free (record->text);
  g_clear_pointer (&record->data, g_bytes_unref);
  g_free (record);
}

void
herd_dns_answer_free (HerdDnsAnswer *answer)
{
  if (answer == NULL)
    return;
  g_ptr_array_unref (answer->answers);
  g_ptr_array_unref (answer->authorities);
  g_free (answer);
}

static gsize
left (const Reader *reader)
{
  return reader->size - reader->at;
}

static gboolean
read_number (Reader *reader, guint bytes, guint32 *number)
{
  guint32 value = 0;

  if (left (reader) < bytes)
    return FALSE;
  for (guint i = 0; i < bytes; i++)
    value = value << 8 | reader->message[reader->at++];
  *number = value;
  return TRUE;
}

/* c-ares follows pointers backwards and forwards, but no farther than the message is long. */
static char *
read_name (Reader *reader)
{
  g_autofree char *name = NULL;
  char *expanded;
  long length;

  if (left (reader) == 0
      || ares_expand_name (reader->message + reader->at, reader->message, (int) reader->size,
                           &expanded, &length)
             != ARES_SUCCESS)
    return NULL;
  name = g_ascii_strdown (expanded, -1);
  ares_free_string (expanded);
  /* As text, with everything escaped, a name may be four times as long as on the wire. */
  if ((gsize) length > left (reader) || strlen (name) > 4 * 255)
    return NULL;
  reader->at += (gsize) length;
  return g_steal_pointer (&name);
}

/* --- data --- */

static gboolean
read_address (Reader *reader, int family, gsize size, HerdDnsRecord *record)
{
  char buffer[INET6_ADDRSTRLEN];

  if (left (reader) != size)
    return FALSE;
  record->text = g_strdup (inet_ntop (family, reader->message + reader->at, buffer, sizeof buffer));
  return TRUE;
}

/* RFC 1035 section 3.3.14: character-strings, each with its length before it, at least one. */
static gboolean
read_strings (Reader *reader, HerdDnsRecord *record)
{
  g_autoptr (GByteArray) text = g_byte_array_new ();
  guint32 length;

  if (left (reader) == 0)
    return FALSE;
  while (left (reader) > 0) {
    if (!read_number (reader, 1, &length) || left (reader) < length)
      return FALSE;
    g_byte_array_append (text, reader->message + reader->at, length);
    reader->at += length;
  }
  record->data = g_byte_array_free_to_bytes (g_steal_pointer (&text));
  return TRUE;
}

/* RFC 8659 section 4.1: flags, tag length, tag (letters and digits, at least one), value. */
static gboolean
read_caa (Reader *reader, HerdDnsRecord *record)
{
  g_autofree char *tag = NULL;
  guint32 flags, length;

  if (!read_number (reader, 1, &flags) || !read_number (reader, 1, &length) || length == 0
      || left (reader) < length)
    return FALSE;
  tag = g_ascii_strdown ((const char *) reader->message + reader->at, (gssize) length);
  for (guint i = 0; i < length; i++) {
    if (!g_ascii_isalnum (tag[i]))
      return FALSE;
  }
  reader->at += length;
  record->flags = (guint8) flags;
  record->text = g_steal_pointer (&tag);
  record->data = g_bytes_new (reader->message + reader->at, left (reader));
  return TRUE;
}

static gboolean
read_data (Reader *reader, HerdDnsRecord *record)
{
  switch (record->type) {
  case HERD_DNS_A:
    return read_address (reader, AF_INET, 4, record);
  case HERD_DNS_AAAA:
    return read_address (reader, AF_INET6, 16, record);
  case HERD_DNS_NS:
  case HERD_DNS_CNAME:
    record->text = read_name (reader);
    return record->text != NULL && left (reader) == 0;
  case HERD_DNS_SOA:
    record->text = read_name (reader);
    return record->text != NULL;
  case HERD_DNS_TXT:
    return read_strings (reader, record);
  case HERD_DNS_CAA:
    return read_caa (reader, record);
  }
  return FALSE;
}

static gboolean
is_known (guint32 type)
{
  return type == HERD_DNS_A || type == HERD_DNS_NS || type == HERD_DNS_CNAME || type == HERD_DNS_SOA
         || type == HERD_DNS_TXT || type == HERD_DNS_AAAA || type == HERD_DNS_CAA;
}

static gboolean
read_record (Reader *reader, GPtrArray *records)
{
  HerdDnsRecord *record = g_new0 (HerdDnsRecord, 1);
  g_autoptr (GPtrArray) keep = g_ptr_array_new_with_free_func (record_free);
  Reader inner = *reader;
  guint32 type, class, ttl, length;

  g_ptr_array_add (keep, record);
  record->owner = read_name (reader);
  if (record->owner == NULL || !read_number (reader, 2, &type) || !read_number (reader, 2, &class)
      || !read_number (reader, 4, &ttl) || !read_number (reader, 2, &length)
      || left (reader) < length)
    return FALSE;
  /* Names in the data may point to anywhere before, but must end with it. */
  inner.at = reader->at;
  inner.size = reader->at + length;
  reader->at += length;
  if (!is_known (type) || class != CLASS_IN)
    return TRUE;
  record->type = (HerdDnsType) type;
  record->ttl = ttl;
  if (!read_data (&inner, record))
    return FALSE;
  g_ptr_array_add (records, g_ptr_array_steal_index (keep, 0));
  return TRUE;
}

static gboolean
read_section (Reader *reader, guint count, GPtrArray *records)
{
  for (guint i = 0; i < count; i++) {
    if (!read_record (reader, records))
      return FALSE;
  }
  return TRUE;
}

static gboolean
read_message (Reader *reader, HerdDnsAnswer *answer)
{
  guint32 id, flags, questions, answers, authorities, additional;

  if (!read_number (reader, 2, &id) || !read_number (reader, 2, &flags)
      || !read_number (reader, 2, &questions) || !read_number (reader, 2, &answers)
      || !read_number (reader, 2, &authorities) || !read_number (reader, 2, &additional)
      || questions > 1 || answers + authorities > RECORDS_LIMIT)
    return FALSE;
  if (questions == 1) {
    g_autofree char *name = read_name (reader);
    guint32 type_and_class;

    if (name == NULL || !read_number (reader, 4, &type_and_class))
      return FALSE;
  }
  answer->rcode = flags & 0xf;
  answer->authoritative = (flags & 0x0400) != 0;
  return read_section (reader, answers, answer->answers)
         && read_section (reader, authorities, answer->authorities);
}

HerdDnsAnswer *
herd_dns_answer_parse (const guint8 *message, gsize size, GError **error)
{
  g_autoptr (HerdDnsAnswer) answer = g_new0 (HerdDnsAnswer, 1);
  Reader reader = { message, size, 0 };

  answer->answers = g_ptr_array_new_with_free_func (record_free);
  answer->authorities = g_ptr_array_new_with_free_func (record_free);
  if (size >= HEADER_SIZE && size <= G_MAXUINT16 && read_message (&reader, answer))
    return g_steal_pointer (&answer);
  g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
               "an answer of %" G_GSIZE_FORMAT " bytes that is not a DNS message", size);
  return NULL;
}

const HerdDnsRecord *
herd_dns_answer_find (const HerdDnsAnswer *answer, const char *owner, HerdDnsType type)
{
  for (guint i = 0; i < answer->answers->len; i++) {
    const HerdDnsRecord *record = answer->answers->pdata[i];

    if (record->type == type && g_str_equal (record->owner, owner))
      return record;
  }
  return NULL;
}

const char *
herd_dns_answer_follow (const HerdDnsAnswer *answer, const char *name)
{
  for (guint i = 0; i <= CHAIN_LIMIT; i++) {
    const HerdDnsRecord *alias = herd_dns_answer_find (answer, name, HERD_DNS_CNAME);

    if (alias == NULL)
      return name;
    name = alias->text;
  }
  return NULL;
}
