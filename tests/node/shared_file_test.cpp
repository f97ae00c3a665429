// SPDX-License-Identifier: Apache-2.0
// Files that are no nodes of ours, and room that is not there.
#include "node/shared_file.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>

#include "fixture.h"

namespace doppel::node {
namespace {

using File = NodeTest;

void overwrite(const std::filesystem::path& file, std::streamoff offset, std::uint32_t value) {
  std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
  out.seekp(offset);
  out.write(reinterpret_cast<const char*>(&value), sizeof value);
}

TEST_F(File, OfAnotherLayoutIsRefusedAndKept) {
  (void)open();
  overwrite(file, offsetof(Shared, layout), kLayout + 1);
  const auto opened = Node::open(file.string());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, Error::Kind::UnsupportedVersion);
  EXPECT_NE(opened.error().message.find(file.string()), std::string::npos);
  overwrite(file, offsetof(Shared, layout), kLayout);
  EXPECT_TRUE(Node::open(file.string()));
}

TEST_F(File, OfAnotherLengthIsRefused) {
  (void)open();
  overwrite(file, offsetof(Shared, bytes), 64);
  EXPECT_EQ(Node::open(file.string()).error().kind, Error::Kind::UnsupportedVersion);
}

TEST_F(File, ThatWasCutShortIsRefused) {
  (void)open();
  std::filesystem::resize_file(file, 4096);
  EXPECT_EQ(Node::open(file.string()).error().kind, Error::Kind::UnsupportedVersion);
}

TEST_F(File, OfSomethingElseIsRefusedAndKept) {
  const std::string text = "a text that somebody needs, and that is longer than a node's head";
  std::ofstream(file) << text;
  EXPECT_EQ(Node::open(file.string()).error().kind, Error::Kind::InvalidInput);
  EXPECT_EQ(std::filesystem::file_size(file), text.size());
  std::ofstream(file, std::ios::trunc) << "short";
  EXPECT_EQ(Node::open(file.string()).error().kind, Error::Kind::InvalidInput);
}

// As one that was killed while it made it leaves it.
TEST_F(File, ThatIsHalfMadeIsMadeAnew) {
  (void)open();
  overwrite(file, offsetof(Shared, magic), 0);
  overwrite(file, offsetof(Shared, magic) + 4, 0);
  EXPECT_TRUE(Node::open(file.string()));
}

TEST_F(File, ThatOthersMayWriteIsRefused) {
  (void)open();
  ASSERT_EQ(chmod(file.c_str(), 0666), 0);
  EXPECT_EQ(Node::open(file.string()).error().kind, Error::Kind::NotPermitted);
}

TEST_F(File, BehindALinkIsRefused) {
  (void)open();
  std::filesystem::create_symlink(file, folder / "link");
  EXPECT_EQ(Node::open((folder / "link").string()).error().kind, Error::Kind::NotPermitted);
}

// Another user's is told from one's own by its owner, and where root runs the test, it can be given away.
TEST_F(File, OfAnotherUserIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can make a file of another user";
  (void)open();
  ASSERT_EQ(chown(file.c_str(), 1, 1), 0);
  EXPECT_EQ(Node::open(file.string()).error().kind, Error::Kind::NotPermitted);
  // And from that user's side: root's.
  ASSERT_EQ(chown(file.c_str(), 0, 0), 0);
  ASSERT_EQ(chmod(folder.c_str(), 0755), 0);
  const pid_t child = fork();
  if (child == 0) {
    if (setuid(1) != 0) _exit(2);
    const auto opened = Node::open(file.string());
    _exit(!opened && opened.error().kind == Error::Kind::NotPermitted ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(File, WithoutRoomIsAnErrorAndNoCrash) {
  const pid_t child = fork();
  if (child == 0) {
    // No file may grow beyond this, and that is an error.
    const rlimit limit{4096, 4096};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0 || signal(SIGXFSZ, SIG_IGN) == SIG_ERR) _exit(2);
    const auto opened = Node::open(file.string());
    _exit(!opened && opened.error().kind == Error::Kind::OutOfMemory ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(Node::open(file.string()));  // with room
}

TEST(FileNames, FollowTheEnvironment) {
  setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
  EXPECT_EQ(*file_of("lab"), "/run/user/7/doppel-node-lab");
  unsetenv("XDG_RUNTIME_DIR");
  EXPECT_EQ(*file_of("lab"), "/dev/shm/doppel-" + std::to_string(geteuid()) + "-lab");
  EXPECT_EQ(*file_of("./lab"), "./lab");
  EXPECT_FALSE(file_of("lab.toml"));
  EXPECT_FALSE(file_of(".."));
}

}  // namespace
}  // namespace doppel::node
