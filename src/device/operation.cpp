#include "device/operation.h"

namespace doppel::device {

Operation::Operation(std::shared_ptr<Context> context, std::function<Cost()> run, double submitted_us)
    : context_(std::move(context)), run_(std::move(run)), submitted_us_(submitted_us) {}

}  // namespace doppel::device
