/* SPDX-License-Identifier: Apache-2.0 */
/* Images for the tests of pull: real tars, real gzip, real documents. */
#include "tests/unit/pull/maker.h"

#include "base/mem.h"
#include "layers/tar_write.h"
#include "manifest/platform.h"
#include "store/images.h"
#include "stream/hash.h"
#include "sys/file.h"

#include <CUnit/CUnit.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <zlib.h>
#include <zstd.h>

void maker_blob(struct store *s, const char *media_type, const struct buf *bytes,
		struct descriptor *ret)
{
	struct err err = { 0 };
	struct digest d;

	hash_bytes(DIGEST_SHA256, bytes->data, bytes->len, &d);
	CU_ASSERT_EQUAL_FATAL(blobs_put(s->blobs, NULL, &d, bytes, &err), 0);
	descriptor_init(ret, media_type, &d, bytes->len);
}

void maker_text_blob(struct store *s, const char *media_type, const char *text,
		     struct descriptor *ret)
{
	_buf_ struct buf b = BUF_INIT(1 << 24);

	CU_ASSERT_EQUAL_FATAL(buf_append_str(&b, text, NULL), 0);
	maker_blob(s, media_type, &b, ret);
}

static void make_tar(const struct maker_file *files, size_t count, struct buf *out)
{
	_close_ int fd = memfd_create("tar", MFD_CLOEXEC);
	struct tar_writer *w = tar_writer_new(fd);
	struct err err = { 0 };
	uint64_t bytes = 0;

	for (size_t i = 0; i < count; i++) {
		const bool dir = files[i].name[strlen(files[i].name) - 1] == '/';
		const struct tar_entry e = { .type = dir ? '5' : '0',
					     .name = files[i].name,
					     .link_name = "",
					     .mode = dir ? 0755 : 0644,
					     .size_bytes = dir ? 0 : strlen(files[i].text) };

		CU_ASSERT_EQUAL_FATAL(tar_writer_entry(w, &e, &err), 0);
		CU_ASSERT_EQUAL_FATAL(tar_writer_data(w, files[i].text, (size_t)e.size_bytes, &err),
				      0);
	}
	CU_ASSERT_EQUAL_FATAL(tar_writer_finish(w, &bytes, &err), 0);
	tar_writer_free(w);
	CU_ASSERT_EQUAL_FATAL(buf_reserve(out, (size_t)bytes, &err), 0);
	CU_ASSERT_EQUAL_FATAL(file_pread_all(fd, out->data, (size_t)bytes, 0, &err), 0);
	out->len = (size_t)bytes;
}

static void compress_gzip(const struct buf *raw, struct buf *out)
{
	z_stream z = { 0 };

	CU_ASSERT_EQUAL_FATAL(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
			      Z_OK);
	CU_ASSERT_EQUAL_FATAL(buf_reserve(out, raw->len + 1024, NULL), 0);
	z.next_in = (Bytef *)raw->data;
	z.avail_in = (uInt)raw->len;
	z.next_out = (Bytef *)out->data;
	z.avail_out = (uInt)(raw->len + 1024);
	CU_ASSERT_EQUAL_FATAL(deflate(&z, Z_FINISH), Z_STREAM_END);
	out->len = z.total_out;
	deflateEnd(&z);
}

static void compress_zstd(const struct buf *raw, struct buf *out)
{
	const size_t room = ZSTD_compressBound(raw->len);

	CU_ASSERT_EQUAL_FATAL(buf_reserve(out, room, NULL), 0);
	out->len = ZSTD_compress(out->data, room, raw->data, raw->len, 3);
	CU_ASSERT_FALSE_FATAL(ZSTD_isError(out->len));
}

void maker_layer_tar(struct store *s, const struct buf *tar, enum codec codec,
		     struct maker_layer *ret)
{
	_buf_ struct buf blob = BUF_INIT(1 << 24);

	hash_bytes(DIGEST_SHA256, tar->data, tar->len, &ret->diffid);
	if (codec == CODEC_GZIP)
		compress_gzip(tar, &blob);
	else if (codec == CODEC_ZSTD)
		compress_zstd(tar, &blob);
	maker_blob(s,
		   codec == CODEC_GZIP	 ? MEDIA_TYPE_OCI_LAYER "+gzip"
		   : codec == CODEC_ZSTD ? MEDIA_TYPE_OCI_LAYER "+zstd"
					 : MEDIA_TYPE_OCI_LAYER,
		   codec == CODEC_PLAIN ? tar : &blob, &ret->descriptor);
}

void maker_layer(struct store *s, const struct maker_file *files, size_t count, bool gzip,
		 struct maker_layer *ret)
{
	_buf_ struct buf tar = BUF_INIT(1 << 24);

	make_tar(files, count, &tar);
	maker_layer_tar(s, &tar, gzip ? CODEC_GZIP : CODEC_PLAIN, ret);
}

static void print(struct json *v, struct buf *out)
{
	CU_ASSERT_EQUAL_FATAL(json_print(v, 0, out, NULL), 0);
	json_free(v);
}

static void make_config(struct store *s, const struct maker_image *image, struct descriptor *ret)
{
	_buf_ struct buf text = BUF_INIT(1 << 20);
	_platform_ struct platform host = { 0 };
	struct json *config = json_new_object(), *rootfs = json_new_object();
	struct json *ids = json_new_array();

	platform_host(&host);
	json_set_str(config, "os", host.os);
	json_set_str(config, "architecture", image->arch ? image->arch : host.arch);
	json_set_str(rootfs, "type", "layers");
	for (size_t i = 0; i < image->count; i++)
		json_add(ids, json_new_str(DIGEST_TEXT(&image->layers[i].diffid)));
	json_set(rootfs, "diff_ids", ids);
	json_set(config, "rootfs", rootfs);
	print(config, &text);
	maker_blob(s, MEDIA_TYPE_OCI_CONFIG, &text, ret);
}

void maker_image(struct store *s, const struct maker_image *image, struct descriptor *ret)
{
	_buf_ struct buf text = BUF_INIT(1 << 20);
	_descriptor_ struct descriptor config = { 0 };
	struct json *m = json_new_object(), *layers = json_new_array();

	make_config(s, image, &config);
	json_set_int(m, "schemaVersion", 2);
	json_set_str(m, "mediaType", MEDIA_TYPE_OCI_MANIFEST);
	json_set(m, "config", descriptor_json(&config));
	for (size_t i = 0; i < image->count; i++)
		json_add(layers, descriptor_json(&image->layers[i].descriptor));
	json_set(m, "layers", layers);
	print(m, &text);
	maker_blob(s, MEDIA_TYPE_OCI_MANIFEST, &text, ret);
}

void maker_index(struct store *s, const struct descriptor *children, const char *const *platforms,
		 size_t count, struct descriptor *ret)
{
	_buf_ struct buf text = BUF_INIT(1 << 20);
	struct json *index = json_new_object(), *list = json_new_array();

	json_set_int(index, "schemaVersion", 2);
	json_set_str(index, "mediaType", MEDIA_TYPE_OCI_INDEX);
	for (size_t i = 0; i < count; i++) {
		struct json *entry = descriptor_json(&children[i]);
		_platform_ struct platform p = { 0 };

		if (platforms[i]) {
			CU_ASSERT_EQUAL_FATAL(platform_parse(platforms[i], &p, NULL), 0);
			json_set(entry, "platform", platform_json(&p));
		}
		json_add(list, entry);
	}
	json_set(index, "manifests", list);
	print(index, &text);
	maker_blob(s, MEDIA_TYPE_OCI_INDEX, &text, ret);
}

void maker_name(struct store *s, const char *ref, const struct descriptor *target,
		const struct descriptors *children)
{
	_reference_ struct reference r = { 0 };
	struct err err = { 0 };

	CU_ASSERT_EQUAL_FATAL(reference_parse(ref, &r, &err), 0);
	reference_add_latest(&r);
	CU_ASSERT_EQUAL_FATAL(images_put(s, &r, target, children, &err), 0);
}
